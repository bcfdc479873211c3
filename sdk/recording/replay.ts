import type { SliceLimits } from '../accelerator/accelerator.ts';
import {
  type ExitStatistics,
  type KvmAccelerator,
  type RecordedTrace,
  type RunOutcome,
  simulatedAccelerator,
} from '../accelerator/index.ts';
import { endOf, type RecordedEnd } from '../accelerator/trace/recorded-trace.ts';
import { type RunDifference, RunScript } from '../accelerator/trace/run-guest.ts';
import { BackplaneError } from '../base/errors.ts';
import { type Json, type JsonProblem, JsonReader } from '../base/json-reader.ts';
import type { OptionSet } from '../device/index.ts';
import { machineOptions } from '../machine/definition.ts';
import { Machine, type MachineDefinition, type MachineRequest } from '../machine/index.ts';
import { MachinePlan } from '../machine/plan.ts';
import { compare } from '../machine/snapshot/restore.ts';
import { optionAsData, optionFromData } from '../machine/snapshot/save.ts';
import { ArrivalFeed } from './arrival-feed.ts';
import { ReplayedTransfers } from './dma.ts';
import { describeMachine, type RunHeader, readHeader } from './header.ts';
import type { CheckedOutput } from './output-digest.ts';
import { outsideOf } from './replayed-backends.ts';
import { replayedCode } from './replayed-code.ts';

/** On what a recorded run is replayed. RAM, options and accelerator are those of the recording. */
export interface RunReplaySetup {
  readonly definition: MachineDefinition;
  readonly request?: Omit<MachineRequest, 'accelerator' | 'backends' | 'startAt' | 'ram' | 'options'>;
  /** Called when the machine is built, before anything runs on it. */
  readonly onBuilt?: (machine: Machine) => void;
  readonly onProgress?: (done: number, total: number) => void;
  /** Instead of that of the recorded run. */
  readonly timerLimit?: number | undefined;
  /** Measure the host time of device handlers. */
  readonly profile?: boolean;
  /** So many bytes of what the guest sends to each back end are kept. Default: none; checksums are compared in any case. */
  readonly keepOutput?: number;
}

/** What a replayed guest has sent to a back end. */
export interface ReplayedOutput {
  readonly backend: string;
  readonly bytes: number;
  /** As many bytes as were recorded, with the same checksums. */
  readonly isSame: boolean;
  readonly recorded: number;
  /** The first of them. */
  readonly kept: Uint8Array;
}

/** What the replay of a recorded run came to. */
export interface RunReplay {
  readonly machine: Machine;
  readonly header: RunHeader;
  readonly statistics: ExitStatistics;
  readonly outcome: RunOutcome;
  /** Where the guests did something else than recorded, or were answered otherwise: the first few, and the number of all. */
  readonly differences: readonly RunDifference[];
  readonly differed: number;
  readonly outputs: readonly ReplayedOutput[];
  /** What came from outside in the recording: how much of it the devices took, and how much they did not. */
  readonly arrivals: { readonly delivered: number; readonly left: number };
  /** Transfers by DMA of machine code: those that are as recorded, and those that the recording does not have, which met empty RAM. */
  readonly dma: { readonly same: number; readonly unrecorded: number };
  /** It ends after as many operations and at the same guest time as the recording, where that has an end. */
  readonly endsAlike: boolean;
  /** The recording was cut off: its end is not known. */
  readonly isCut: boolean;
}

/** A run that has parted from its recording may go on for so long. */
const MostBehindTheEnd = 1000;

/**
 * Runs a recorded run again, operation by operation, with the same times and interrupts. On the same machine each count is what it
 * was. No program and nothing of the outside is needed.
 */
export function replayRun(trace: RecordedTrace, setup: RunReplaySetup): RunReplay {
  const { run } = trace;
  if (run === undefined)
    throw new BackplaneError(
      'recording-header-damaged',
      `Recording '${trace.name}' is of version 1: it has accesses, and no run. Replay it with replayTrace().`,
    );
  const header = readHeader(trace);
  refuseOtherName(trace, header, setup.definition);
  const outside = outsideOf(trace, header, setup.keepOutput ?? 0);
  const code = replayedCode(header);
  const accelerator = simulatedAccelerator({
    ...{ ...header.accelerator, profile: setup.profile === true },
    ...(code === undefined ? {} : { machineCode: code }),
  });
  const { backends } = outside;
  const definition = definitionOf(header, setup.definition);
  const machine = Machine.create(definition, {
    ...requestOf(header, definition),
    ...setup.request,
    ...{ accelerator, backends },
  });
  refuseOtherMachine(trace, header, machine);
  setup.onBuilt?.(machine);
  const script = new RunScript(run, header.processors, accelerator, machine.clock);
  script.onProgress = (played) => setup.onProgress?.(played, run.entries.length);
  const feed = new ArrivalFeed(machine, outside.arrivals);
  const transfers = new ReplayedTransfers(script, header.dmaLimit);
  if (code !== undefined) {
    code.played = { script, clock: machine.clock };
    machine.topology.dmaObserver = transfers;
  }
  accelerator.load(code === undefined ? script.guests : [{ name: trace.name, pieces: [], start: 'reset' }]);
  const operations = code === undefined ? script.operations : (run.end?.operations ?? Number.POSITIVE_INFINITY);
  const replaying = { script, feed, accelerator, operations, timerLimit: setup.timerLimit ?? header.timerLimit };
  let outcome = runToTheEnd(replaying);
  while (outcome.reason === 'reset' && script.goesOn) outcome = runToTheEnd(replaying);
  machine.backends.flush();
  machine.topology.dmaObserver = undefined;
  transfers.end();
  const { differences, differed } = script;
  const { end } = run;
  return {
    ...{ machine, header, outcome, differences, differed },
    statistics: machine.accelerator.statistics,
    outputs: [...outside.outputs].map(([backend, output]) => outputOf(backend, output)),
    arrivals: { delivered: feed.delivered, left: feed.left },
    dma: { same: transfers.same, unrecorded: transfers.unrecorded },
    endsAlike: end === undefined || (accelerator.operations === end.operations && script.time() === end.at),
    isCut: end === undefined,
  };
}

function outputOf(backend: string, { digest, isSame, recorded, kept }: CheckedOutput): ReplayedOutput {
  return { backend, bytes: digest.count, isSame, recorded, kept: Uint8Array.from(kept) };
}

interface Replaying {
  readonly script: RunScript;
  readonly feed: ArrivalFeed;
  readonly accelerator: KvmAccelerator;
  /** Of the whole recording. */
  readonly operations: number;
  readonly timerLimit: number | undefined;
}

/** Between two slices it is looked at whether anything is still to come from outside. */
const SliceOperations = 100_000;
/** So many timers may expire while the guest does nothing. */
const Patience = 2_000_000;

/** One run, up to a reset or the end. While something is to come from outside, a guest that waits goes on waiting. */
function runToTheEnd({ script, feed, accelerator, operations: all, timerLimit }: Replaying): RunOutcome {
  const { end } = script.run;
  const pause = end?.reason === 'paused' ? end : undefined;
  let patience = Patience;
  accelerator.begin(
    limitsOf(script, all, pause === undefined ? timerLimit : Number.POSITIVE_INFINITY, accelerator.operations),
  );
  for (;;) {
    const { operations } = accelerator;
    const [time, { delivered }] = [script.time(), feed];
    const isDue = patience > 0 && feed.isDueAt(operations);
    const limits: SliceLimits | undefined =
      pause === undefined ? { operations: SliceOperations } : sliceUpTo(pause, operations, time, isDue);
    if (limits === undefined || (pause !== undefined && patience <= 0)) accelerator.pause();
    // It waits where the recording says what ends the wait. Otherwise a timer does, or nothing.
    const waits = isDue || limits?.time !== undefined;
    const slice = accelerator.runSlice({ operations: 1, ...limits, waits });
    if (typeof slice !== 'string') return slice;
    if (accelerator.operations !== operations || feed.delivered !== delivered) patience = Patience;
    // Nothing of the recording can wake a guest that has slept through all of this.
    else patience = script.time() === time ? 0 : patience - (slice === 'asleep' ? 1 : (limits?.operations ?? 1));
  }
}

/**
 * The slice that ends where the recorded run was paused: at its operation, and at its time. What comes at that very place comes before
 * the pause. Undefined: it is there.
 */
function sliceUpTo(end: RecordedEnd, operations: number, time: bigint, isDue: boolean): SliceLimits | undefined {
  const left = end.operations - operations;
  if (left > 0) return { operations: Math.min(left, SliceOperations) };
  if (time < end.at) return { operations: SliceOperations, time: Number(end.at - time) };
  return isDue ? { operations: SliceOperations, time: 0 } : undefined;
}

/** A run that was stopped at its limit ends at the same operation; any other ends by itself. */
function limitsOf({ run }: RunScript, operations: number, timerLimit: number | undefined, done: number) {
  const { end } = run;
  const limit = end?.reason === 'operation-limit' ? end.operations : operations + MostBehindTheEnd;
  return {
    operationLimit: Math.max(0, limit - done),
    accessLimit: Number.POSITIVE_INFINITY,
    ...(timerLimit === undefined ? {} : { timerLimit }),
  };
}

/** Of the devices that are not always there, those that the recorded machine had. */
function definitionOf({ devices }: RunHeader, definition: MachineDefinition): MachineDefinition {
  const ids = new Set(devices.map((device) => (device as { readonly id?: unknown }).id));
  const present = definition.devices.flatMap(({ present: when, ...used }) =>
    when === undefined || used.id === undefined || ids.has(used.id) ? [used] : [],
  );
  return { ...definition, devices: present };
}

/** The machine that the recording asks for. Options of devices are given where the definition would give others. */
export function requestOf({ machine, devices, start }: RunHeader, definition: MachineDefinition): MachineRequest {
  const problems: JsonProblem[] = [];
  const saved = (data: Json, known: Declarations) => {
    const entries = new JsonReader(data, 'options', problems).entries().filter(([name]) => Object.hasOwn(known, name));
    return Object.fromEntries(entries.map(([name, reader]) => [name, optionFromData(reader, known[name])]));
  };
  const options = saved(machine.options, definition.options?.declarations ?? {});
  const plan = new MachinePlan(definition.devices, machineOptions(definition, options, []), {});
  const recorded = new Map(devices.map((device) => [new JsonReader(device, '', problems).member('id').data, device]));
  const deviceOptions: Record<string, Record<string, unknown>> = {};
  for (const { id, metadata, given } of plan.devices) {
    const { declarations } = metadata.options;
    const wanted = saved((recorded.get(id) as { options?: Json } | undefined)?.options ?? {}, declarations);
    const others = Object.entries(wanted).filter(
      ([name, value]) => optionAsData(value) !== optionAsData(given[name] ?? declarations[name]?.default),
    );
    if (others.length > 0) deviceOptions[id] = Object.fromEntries(others);
  }
  return { ram: machine.ram, options, deviceOptions, startAt: BigInt(start) };
}

type Declarations = OptionSet['declarations'];

function refuseOtherName(trace: RecordedTrace, { machine }: RunHeader, { name }: MachineDefinition): void {
  if (machine.name === name) return;
  throw new BackplaneError(
    'recording-of-another-machine',
    `Recording '${trace.name}' was made on machine '${machine.name}', and this is '${name}'. Replay it there: -machine ${machine.name}.`,
  );
}

function refuseOtherMachine(trace: RecordedTrace, header: RunHeader, machine: Machine): void {
  const found: string[] = [];
  const present = new Map(describeMachine(machine).devices.map((device) => [(device as { id: string }).id, device]));
  for (const device of header.devices) {
    const { id, type } = device as { readonly id?: unknown; readonly type?: unknown };
    const own = present.get(String(id));
    present.delete(String(id));
    const problems: JsonProblem[] = [];
    if (own === undefined)
      found.push(`device '${id}' is in the recording, and not here. Add it as it was recorded: -device ${type}`);
    else compare(new JsonReader(device, '', problems, 'recording'), own);
    found.push(...problems.map(({ path, problem }) => `device '${id}': ${path} ${problem}`));
  }
  for (const id of present.keys()) found.push(`device '${id}' is here, and not in the recording. Leave it out`);
  if (found.length === 0) return;
  const lines = found.slice(0, MostShown).map((line) => `\n  - ${line}.`);
  throw new BackplaneError(
    'recording-of-another-machine',
    `Recording '${trace.name}' was made on a '${machine.definition.name}' with other devices or options:${lines.join('')}`,
  );
}

const MostShown = 10;

/** Guest time at the end of a recorded run, in nanoseconds. */
export const endOfRun = (trace: RecordedTrace): bigint => trace.run?.end?.at ?? endOf(trace);
