import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Root } from './bundle.ts';
import type { Job } from './console-documents.ts';

/** The counts of one mode of a replay, as `backplane replay -json` has them. */
type Counts = Readonly<Record<string, unknown>>;

interface ReplayDocument {
  readonly recording: string;
  readonly modes: readonly { readonly name: string; readonly exits: Counts }[];
}

/** What both kernels must agree on to the last digit. */
const Compared = [
  'userspaceExits',
  'portUserspaceExits',
  'memoryUserspaceExits',
  'coalescedWrites',
  'ringFullExits',
  'drainsAtExits',
  'entriesAtEnd',
  'kicks',
] as const;

const argumentsOf = (recording: string): string[] => ['replay', recording, '-compare', '-json'];

/** Replays a recording in three modes as machine code. */
export const recordingJob = (recording: string): Job => ({
  script: 'test/real-kvm/backplane.ts',
  args: [...argumentsOf(recording), '-accel', 'kvm'],
});

/** The same on the simulated kernel, in a process beside the machine. */
export function simulatedReplay(recording: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = ['--import', 'tsx', join(Root, 'test/real-kvm/backplane.ts'), ...argumentsOf(recording)];
    const child = spawn(process.execPath, args, {
      cwd: Root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve(output);
      else reject(new Error(`the simulated replay of '${recording}' ended with status ${status}`));
    });
  });
}

/** One table of both kernels' counts, and whether all are equal. */
export function mergedReplay(real: string, simulated: string): { readonly text: string; readonly isEqual: boolean } {
  const ours = parsed(real);
  const theirs = parsed(simulated);
  if (ours === undefined || theirs === undefined) return { text: real, isEqual: false };
  let isEqual = ours.modes.length === 3 && theirs.modes.length === 3;
  const lines = [`${ours.recording}, on the real kernel:`];
  for (const [index, { name, exits }] of ours.modes.entries()) {
    const expected = theirs.modes[index]?.exits ?? {};
    const differing = Compared.filter((key) => typeof exits[key] !== 'number' || exits[key] !== expected[key]);
    const counts = Compared.map((key) => `${key} ${exits[key]}`).join(', ');
    const others = differing.map((key) => `${key} ${expected[key]}`).join(', ');
    lines.push(`  ${name}: ${counts}: ${others === '' ? 'as simulated' : `DIFFERENT, simulated ${others}`}`);
    isEqual &&= differing.length === 0;
  }
  return { text: lines.join('\n'), isEqual };
}

function parsed(text: string): ReplayDocument | undefined {
  try {
    return JSON.parse(text) as ReplayDocument;
  } catch {
    return undefined;
  }
}
