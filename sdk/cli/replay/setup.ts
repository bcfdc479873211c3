import type { ConditionalModel, RecordedTrace } from '../../accelerator/index.ts';
import type { ReplaySetup } from '../../analysis/replay.ts';
import { BackplaneError } from '../../base/errors.ts';
import { blueprintOf, option } from '../../device/index.ts';
import type { Arguments } from '../command.ts';
import type { MachineChoice } from '../options/machine.ts';
import { selectedFunctions } from './pci-functions.ts';
import type { RecordedClock } from './recorded-clock.ts';
import { findRecording, recordingName } from './recordings.ts';

/**
 * The addresses of local APICs, which no device models. A machine may have an MSI receiver there, which serves bus
 * masters only, and all accesses of a recording are a processor's.
 */
export const localApic: ConditionalModel = {
  isPort: false,
  address: 0xfee0_0000,
  size: 0x10_0000,
  device: () => undefined,
};

/** The recording that a command names. */
export function namedRecording(command: string, [nameOrPath, ...more]: readonly string[]): string {
  if (nameOrPath === undefined) {
    throw new BackplaneError(
      'missing-operand',
      `${command}: the recording is missing. Write 'backplane ${command} linux61-boot-rtc'.`,
    );
  }
  if (more.length > 0)
    throw new BackplaneError('too-many-operands', `${command} takes one recording, not also '${more.join(' ')}'.`);
  return nameOrPath;
}

export async function readRecording(nameOrPath: string): Promise<RecordedTrace> {
  const { readTrace } = await import('./trace-file.ts');
  return readTrace(findRecording(nameOrPath), { name: recordingName(nameOrPath) });
}

/** The setup of a replay: the machine, its clock set to that of the recording, and the models of absent devices. */
export function replaySetup(
  machine: MachineChoice,
  clock: RecordedClock | undefined,
  onAbsentFunction: () => void = () => {},
): ReplaySetup {
  const { definition, request } = machine;
  return {
    definition,
    request: { ...request, ...(clock === undefined ? {} : { deviceOptions: clockOptions(machine, clock) }) },
    conditional: (built) => [...selectedFunctions(built, onAbsentFunction), localApic],
  };
}

/** `-rtc base=2026-11-22T10:09:01`: the start date, instead of that of the recording. */
export function startOfClock(args: Arguments): RecordedClock | undefined {
  const text = args.value('rtc');
  if (text === undefined) return undefined;
  const date = option.date({ description: '' }).parse(text.replace(/^base=/, ''));
  if (date === undefined)
    throw new BackplaneError('invalid-date', `-rtc ${text}: not a date. Write -rtc base=2026-11-22T10:09:01.`);
  return { date, uncertainty: 0, readings: 0 };
}

/** Sets the start date of every device that has the option. */
function clockOptions({ definition }: MachineChoice, clock: RecordedClock): Record<string, { date: Date }> {
  const dated = definition.devices
    .map(({ device }) => blueprintOf(device))
    .filter(({ options }) => options.names.includes('date'));
  return Object.fromEntries(dated.map(({ type }) => [type, { date: clock.date }]));
}
