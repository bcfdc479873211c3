import { gunzipSync } from 'fflate';
import { x86MachineCode } from '../../../sdk/cli/x86-wasm.ts';
import { simulatedAccelerator } from '../../../sdk/runtime.ts';
import { seaBiosPaths } from '../../machines/boots.ts';
import { commonLines } from '../../machines/common-lines.ts';
import type { Job } from '../console-documents.ts';
import { bootSeaBios, type FirmwareBoot } from './seabios-boot.ts';
import { firstDifference } from './sequence.ts';

const MostInstructions = 100_000_000;

export const seaBiosJob: Job = { script: 'test/real-kvm/firmware/seabios.ts', args: [] };

/** The files of SeaBIOS, by their paths in the machine, which are those of the host. */
export function seaBiosOfMachine(): Record<string, string> {
  return Object.fromEntries(Object.values(seaBiosPaths()).map((path) => [path.slice(1), path]));
}

/** Compares what the real kernel has printed with the same boot on the simulated kernel. */
export async function judgeSeaBios(output: string): Promise<{ readonly text: string; readonly isEqual: boolean }> {
  const real = parsed(output);
  if (real === undefined) return { text: output, isEqual: false };
  const simulated = bootSeaBios(simulatedAccelerator({ machineCode: await x86MachineCode() }), MostInstructions);
  const difference = firstDifference(real.lines, simulated.lines);
  const { onlyOurs, onlyTheirs } = commonLines(real.log.split('\n'), simulated.log.split('\n'));
  const isEqual = difference === undefined && onlyOurs.length + onlyTheirs.length === 0;
  const leftOut = ({ leftOut: { time, timerHandler, polls } }: FirmwareBoot): string =>
    `${time} reads of the time, ${timerHandler} accesses of handlers of IRQ 0, ${polls} polls`;
  const lines = [
    `SeaBIOS on the real kernel: ${real.outcome.message}`,
    `  ${real.lines.length} accesses, ${simulated.lines.length} on the simulated kernel: ${difference === undefined ? 'equal, in order' : 'DIFFERENT'}`,
    `  left out on the real kernel: ${leftOut(real)}`,
    `  left out on the simulated kernel: ${leftOut(simulated)}`,
    ...(difference === undefined ? [] : [`the real kernel: ${difference}`]),
    ...onlyOurs.map((line) => `log of the real kernel only: ${line}`),
    ...onlyTheirs.map((line) => `log of the simulated kernel only: ${line}`),
  ];
  return { text: lines.join('\n'), isEqual };
}

function parsed(output: string): FirmwareBoot | undefined {
  try {
    const { lines, ...rest } = JSON.parse(output) as Omit<FirmwareBoot, 'lines'> & { readonly lines: string };
    const text = new TextDecoder().decode(gunzipSync(Buffer.from(lines, 'base64')));
    return { ...rest, lines: text.split('\n') };
  } catch {
    return undefined;
  }
}
