import {
  type ExitStatistics,
  type ExitSummary,
  type RecordedTrace,
  simulatedAccelerator,
} from '../../accelerator/index.ts';
import { replayTrace } from '../../analysis/replay.ts';
import { ringBuffer } from '../../backend/memory-backends.ts';
import { count, formatTable } from '../../base/text.ts';
import { ramSizeOf } from '../../machine/definition.ts';
import { Machine } from '../../machine/index.ts';
import type { MachineCode } from '../../x86.ts';
import { Unfinished } from '../command.ts';
import { bootMachine } from '../options/boot.ts';
import type { MachineChoice } from '../options/machine.ts';
import type { ReplayMode } from '../replay/modes.ts';
import { recordedClock } from '../replay/recorded-clock.ts';
import { replaySetup } from '../replay/setup.ts';
import { summaryRows } from '../run-output.ts';
import type { ClockGuest } from './live-guests.ts';

export interface LiveSetup {
  readonly machine: MachineChoice;
  readonly modes: readonly ReplayMode[];
  readonly guest: ClockGuest;
  readonly machineCode: MachineCode;
  /** Counted in each mode, from where the guest reads its clock only. */
  readonly instructions: number;
  readonly onProgress: (what: string) => void;
}

/** What one kind of coalescing came to. */
interface CountedMode {
  readonly mode: ReplayMode;
  readonly exits: ExitSummary;
  readonly ports: ReturnType<ExitStatistics['portRows']>;
  /** In the form of `perf kvm stat report`. */
  readonly table: string;
}

/** The accesses of one guest, with each kind of coalescing. */
export interface CountedGuest {
  readonly title: string;
  readonly isLive: boolean;
  readonly modes: readonly CountedMode[];
}

/** Rows of the table of each mode, and ports that are always among them. */
const Busiest = 6;
const Pinned = [0x70, 0x71];

const countedMode = (mode: ReplayMode, statistics: ExitStatistics): CountedMode => ({
  mode,
  exits: statistics.summary(),
  ports: statistics.portRows(),
  table: statistics.formatTable({ event: 'ioport', busiest: Busiest, pinned: Pinned }),
});

/** Executes the guest with each kind of coalescing, and counts from where it reads its clock only. */
export function measureLive(setup: LiveSetup): CountedGuest {
  const { guest, instructions, onProgress } = setup;
  const modes = setup.modes.map((mode) => {
    onProgress(`the running guest, ${mode.column}`);
    return countedRun(setup, mode);
  });
  return { title: `Running: ${guest.title}; ${count(instructions)} instructions`, isLive: true, modes };
}

/** The same of a recording, for comparison. */
export function measureRecorded(
  trace: RecordedTrace,
  { machine, modes, onProgress }: Pick<LiveSetup, 'machine' | 'modes' | 'onProgress'>,
): CountedGuest {
  const setup = replaySetup(machine, recordedClock(trace));
  const counted = modes.map((mode) => {
    onProgress(`recording ${trace.name}, ${mode.column}`);
    const { options: _, ...request } = setup.request ?? {};
    const replay = replayTrace(trace, {
      ...setup,
      request: { ...request, options: mode.machineOptions },
      accelerator: mode.accelerator,
    });
    return countedMode(mode, replay.statistics);
  });
  return { title: `Recorded: ${trace.name}; ${count(trace.length)} accesses`, isLive: false, modes: counted };
}

/** So many instructions are executed before it is looked again whether the guest is ready. */
const Slice = 1_000_000;

function countedRun({ guest, machineCode, instructions, machine: choice }: LiveSetup, mode: ReplayMode): CountedMode {
  const { firmware } = guest;
  const { definition, request } = bootMachine(choice, firmware === undefined ? {} : { firmware });
  const ramSize = ramSizeOf(definition, request.ram ?? guest.ram);
  const serial = ringBuffer({ id: 'serial0', size: 65_536 });
  const machine = Machine.create(definition, {
    ...request,
    ram: ramSize,
    options: { ...request.options, ...mode.machineOptions },
    accelerator: simulatedAccelerator({ ...mode.accelerator, machineCode }),
    backends: [serial],
  });
  const execute = (most: number, isEnough: () => boolean): void => {
    for (let left = most; left > 0 && !isEnough(); ) {
      const { operations, reason, message } = machine.resume({ operationLimit: Math.min(left, Slice) });
      if (reason !== 'operation-limit') throw new Unfinished(`the guest does not read its clock: ${message}`);
      left -= operations;
    }
  };
  try {
    machine.load(guest.code(ramSize), {});
    const isReady = () => serial.text.includes(guest.ready);
    execute(guest.patience, isReady);
    if (!isReady())
      throw new Unfinished(`the guest does not read its clock after ${count(guest.patience)} instructions.`);
    machine.accelerator.statistics.reset();
    execute(instructions, () => false);
    return countedMode(mode, machine.accelerator.statistics);
  } finally {
    machine.dispose();
  }
}

/** The tables of the running guest, and the counts of all guests side by side. */
export function formatLive(guests: readonly CountedGuest[]): string {
  const tables = guests
    .filter(({ isLive }) => isLive)
    .flatMap(({ title, modes }) => [title, ...modes.map(({ mode, table }) => `${mode.title}\n\n${table}`)]);
  const summaries = guests.map(({ title, modes }) => `${title}\n\n${formatCounts(modes)}`);
  const notes =
    "Exits and coalesced writes are counted by KVM's rules, in a simulated kernel. Times are modelled. Times of the host's KVM: -accel kvm.";
  return [...tables, 'Summary', ...summaries, notes].join('\n\n');
}

function formatCounts(modes: readonly CountedMode[]): string {
  const columns = modes.map(({ exits }) => new Map(summaryRows(exits)));
  const rows = [...(columns[0]?.keys() ?? [])].map((name) => [name, ...columns.map((one) => one.get(name) ?? '-')]);
  const all = modes[0]?.exits.userspaceExits ?? 0;
  const saved = modes.map(({ exits }, index) =>
    index === 0 || all === 0 ? '-' : `${((100 * (all - exits.userspaceExits)) / all).toFixed(1)} %`,
  );
  return formatTable([['', ...modes.map(({ mode }) => mode.column)], ...rows, ['userspace exits saved', ...saved]]);
}

/** For `-json`. */
export const liveData = (guests: readonly CountedGuest[]) =>
  guests.map(({ title, isLive, modes }) => ({
    ...{ title, isLive },
    modes: modes.map(({ mode, exits, ports }) => ({ mode: mode.name, exits, ports: ports ?? null })),
  }));
