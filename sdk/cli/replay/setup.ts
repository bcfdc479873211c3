import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConditionalModel, RecordedTrace } from '../../accelerator/index.ts';
import type { ReplaySetup } from '../../analysis/replay.ts';
import { BackplaneError } from '../../base/errors.ts';
import { counted, didYouMean, times } from '../../base/text.ts';
import { metadataOf } from '../../device/index.ts';
import { describeDifference } from '../../machine/access-names.ts';
import type { Machine, MachineDefinition } from '../../machine/index.ts';
import { readHeader } from '../../recording/header.ts';
import { requestOf } from '../../recording/replay.ts';
import { type Arguments, onlyOperand } from '../command.ts';
import { packageRoot, statusOf } from '../files.ts';
import { type MachineChoice, withInstantLines } from '../options/machine.ts';
import { chooseRtc, startAt } from '../options/rtc.ts';
import type { Terminal } from '../terminal.ts';
import type { RecordedClock } from './recorded-clock.ts';

const folder = fileURLToPath(new URL('examples/recordings/', packageRoot));
const suffix = /\.iotrace(\.gz)?$/;

/** The recordings that come with the package, by name. */
export function knownRecordings(): string[] {
  return readdirSync(folder)
    .filter((file) => suffix.test(file))
    .map(recordingName)
    .sort();
}

/** How reports call a recording. */
export function recordingName(path: string): string {
  return basename(path).replace(suffix, '');
}

/** The file that a name or a path means. A path wins over a name. */
export function findRecording(nameOrPath: string): string {
  const found = statusOf(nameOrPath, (code, why) => new BackplaneError(code, `'${nameOrPath}' cannot be read: ${why}`));
  if (found !== undefined) {
    if (found.isFile()) return nameOrPath;
    throw new BackplaneError('not-a-file', `'${nameOrPath}' is not a file. Give a recording, plain or gzip.`);
  }
  const names = knownRecordings();
  const file = names.includes(nameOrPath) && readdirSync(folder).find((name) => recordingName(name) === nameOrPath);
  if (file) return `${folder}${file}`;
  const hint = didYouMean(recordingName(nameOrPath), names, `Known by name: ${names.join(', ')}.`);
  throw new BackplaneError('unknown-recording', `there is no recording and no file '${nameOrPath}'. ${hint}`);
}

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
export const namedRecording = (command: string, positional: readonly string[]): string =>
  onlyOperand(command, 'recording', positional, `Write 'backplane ${command} linux61-boot-rtc'.`);

export async function readRecording(nameOrPath: string, terminal: Terminal): Promise<RecordedTrace> {
  const { readTrace } = await import('./trace-file.ts');
  const trace = await readTrace(findRecording(nameOrPath), { name: recordingName(nameOrPath) });
  if (trace.run !== undefined && trace.run.end === undefined)
    terminal.note(`warning: recording '${trace.name}' was cut off: it is read up to its last whole block.`);
  return trace;
}

/** For a replay of accesses alone. A whole run, of a recording of version 2, has its DMA and each device. */
export function warnOfAccessesAlone(trace: RecordedTrace, { definition }: MachineChoice, terminal: Terminal): void {
  const absent = absentDevices(trace, definition);
  if (absent.length > 0)
    terminal.note(
      `warning: not modelled: ${counted(absent.length, 'recorded device')} that this machine lacks. Add ${absent.map((type) => `-device ${type}`).join(' ')}, with the options of the recording.`,
    );
  const { transfers } = trace;
  if (transfers === undefined) return;
  terminal.note(
    `warning: not replayed: DMA. The device read guest memory ${times(transfers)}, and what depends on that may differ.`,
  );
}

/** The types of devices that the recorded machine of this name had, and this one has not. */
function absentDevices(trace: RecordedTrace, { name, devices }: MachineDefinition): string[] {
  if (machineOf(trace) !== name) return [];
  const present = devices.map(({ device }) => metadataOf(device).type);
  return readHeader(trace).devices.flatMap((recorded) => {
    const { type } = recorded as { readonly type?: unknown };
    const found = present.indexOf(String(type));
    return found === -1 ? [String(type)] : present.splice(found, 1) && [];
  });
}

/** The machine of a recorded run; undefined for a list of accesses, which does not say it. */
export function machineOf(trace: RecordedTrace): string | undefined {
  return trace.run === undefined ? undefined : readHeader(trace).machine.name;
}

/** The machine of recorded machine code has the options and the RAM of the recorded one, where the command line gives no others. */
export function asRecorded(trace: RecordedTrace, machine: MachineChoice): MachineChoice {
  const header = trace.run === undefined ? undefined : readHeader(trace);
  const { definition, request } = machine;
  if (header?.machineCode !== true || header.machine.name !== definition.name) return machine;
  const { ram, options } = requestOf(header, definition);
  return {
    ...machine,
    request: { ...(ram === undefined ? {} : { ram }), ...request, options: { ...options, ...request.options } },
  };
}

/** The setup of a replay: the machine, its clock set to that of the recording, and the models of absent devices. */
export function replaySetup(
  machine: MachineChoice,
  clock: RecordedClock | undefined,
  onAbsentFunction: () => void = () => {},
): ReplaySetup {
  const definition = withInstantLines(machine.definition);
  const { request } = machine;
  return {
    definition,
    request: { ...request, ...(clock === undefined ? {} : { deviceOptions: startAt(definition, clock.date) }) },
    conditional: (built) => [...selectedFunctions(built, onAbsentFunction), localApic],
  };
}

/** `-rtc base=2026-11-22T10:09:01`: the start date, instead of that of the recording. */
export function startOfClock(args: Arguments): RecordedClock | undefined {
  const date = chooseRtc(args);
  return date === undefined ? undefined : { date, uncertainty: 0, readings: 0 };
}

const DataPort = { address: 0xcfc, size: 4 } as const;

/** The part of a host bridge that selects a function. */
interface HostBridge {
  readonly configuration: { readonly selectedDevice: string | undefined };
}

/**
 * The data port of PCI configuration reaches the function that the address register selects. The machine may not have
 * every function of the recorded one. Calls `onAbsent` for each access to an absent function.
 */
export function selectedFunctions(machine: Machine, onAbsent: () => void): ConditionalModel[] {
  const bridge = machine.devices.map(({ device }) => device as object).find(isHostBridge);
  if (bridge === undefined) return [];
  const device = () => {
    const { selectedDevice } = bridge.configuration;
    if (selectedDevice === undefined) onAbsent();
    return selectedDevice;
  };
  return [{ isPort: true, ...DataPort, device, where: (difference) => describeDifference(machine, difference) }];
}

function isHostBridge(device: object): device is HostBridge {
  if (!('configuration' in device)) return false;
  const { configuration } = device;
  return typeof configuration === 'object' && configuration !== null && 'selectedDevice' in configuration;
}
