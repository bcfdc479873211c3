import { hex } from '../base/text.ts';
import {
  type ExitCosts,
  type ExitRow,
  type ExitTableOptions,
  formatExitTable,
  modelledTime,
  unknownExitTable,
} from './exit-table.ts';
import type { HandlerProfile } from './guest-access.ts';
import type { ExitRowVisitor, KernelCounts } from './kvm/kernel-counts.ts';

/** The counters of userspace; snapshots name them so. */
export const UserspaceCounters = [
  'drainsAtExits',
  'otherDrains',
  'kicks',
  'entriesAtEnd',
  'discardedWrites',
  'damagedEntries',
] as const;

/** Everything countable, as plain data: what `-json` prints. `null`: the kernel does not tell. */
export interface ExitSummary
  extends Readonly<
      Record<
        | ('userspaceExits' | 'portUserspaceExits' | 'memoryUserspaceExits' | 'haltExits' | 'interruptWindowExits')
        | ('coalescedWrites' | 'ringFullExits')
        | ('drainsAtExits' | 'otherDrains' | 'kicks' | 'entriesAtEnd' | 'discardedWrites' | 'damagedEntries'),
        number
      >
    >,
    Readonly<Record<'vmExits' | 'ioeventfdSignals' | 'injectedInterrupts' | 'longestWait', number | null>> {
  /** Nanoseconds that port and memory exits are modelled to have taken, with these costs: nothing here is measured. */
  readonly modelledTime: number | null;
  readonly costs: ExitCosts | null;
}

/**
 * What leaving the guest came to. VM exits and userspace exits are the kernel's own counts; what userspace did about
 * its ring is counted here. What is undefined the kernel does not tell.
 */
export class ExitStatistics {
  /** Drains that found entries when an exit had brought control back. */
  drainsAtExits = 0;
  /** Drains that found entries for another reason: a kick, a timer, a flagged region, a commit, the end. */
  otherDrains = 0;
  /** Interruptions because a write had been queued for too long. They are not exits. */
  kicks = 0;
  /** Writes that drains have delivered. @internal */
  deliveredWrites = 0;
  /** Writes that were still queued when the last run ended, and that its last drain delivered. */
  entriesAtEnd = 0;
  /** Queued writes that a reset overtook: they are dropped. */
  discardedWrites = 0;
  /** Ring entries or indexes that no kernel may leave behind; they are dropped. */
  damagedEntries = 0;
  /** Host time spent in device handlers; only with the profile option. @internal */
  profile: HandlerProfile | undefined;

  /** 0 where waits are not known. */
  private longestKnownWait = 0;

  /** @internal */
  constructor(
    private readonly kernel: KernelCounts,
    /** What an exit is modelled to cost; undefined where nothing is modelled. */
    readonly costs: ExitCosts | undefined,
    private readonly knowsWaits = true,
  ) {}

  /** The longest that a write was queued, in nanoseconds of guest time. */
  get longestWait(): number | undefined {
    return this.knowsWaits ? this.longestKnownWait : undefined;
  }

  /** A write has waited so long. @internal */
  noteWait(nanoseconds: number): void {
    if (nanoseconds > this.longestKnownWait) this.longestKnownWait = nanoseconds;
  }

  /** The longest wait of a snapshot. @internal */
  restoreLongestWait(nanoseconds: number): void {
    this.longestKnownWait = nanoseconds;
  }

  /** One for every instruction that left guest mode; coalescing does not change it. */
  get vmExits(): number | undefined {
    return this.kernel.vmExits;
  }

  /** Returns to userspace because of the guest: what coalescing removes. */
  get userspaceExits(): number {
    return this.kernel.userspaceExits;
  }

  get portUserspaceExits(): number {
    return this.kernel.portUserspaceExits;
  }

  get memoryUserspaceExits(): number {
    return this.kernel.memoryUserspaceExits;
  }

  /** Where the kernel does not count them: those that were taken out of the ring. */
  get coalescedWrites(): number {
    return this.kernel.coalescedWrites ?? this.deliveredWrites + this.discardedWrites;
  }

  /** Userspace exits of writes that found no room in the ring. */
  get ringFullExits(): number {
    return this.kernel.ringFullExits;
  }

  /** `0x70:POUT`, `0x71:PIN`: one row for each port and direction, in order of address. */
  portRows(): ExitRow[] | undefined {
    const { rows } = this.kernel;
    return rows === undefined ? undefined : rowsOf((visit) => rows.forEachPort(visit), 'PIN', 'POUT');
  }

  /** `0xa0000:W`, `0xa0000:R`: one row for each page and direction, in order of address. */
  memoryRows(): ExitRow[] | undefined {
    const { rows } = this.kernel;
    return rows === undefined ? undefined : rowsOf((visit) => rows.forEachPage(visit), 'R', 'W');
  }

  /** As `perf kvm stat report` prints it; the times are modelled, and the table says so. */
  formatTable(options: ExitTableOptions): string {
    const rows = options.event === 'ioport' ? this.portRows() : this.memoryRows();
    return rows === undefined ? unknownExitTable(options) : formatExitTable(rows, this.costs, options);
  }

  summary(): ExitSummary {
    const { kernel, costs = null } = this;
    return {
      vmExits: kernel.vmExits ?? null,
      userspaceExits: kernel.userspaceExits,
      portUserspaceExits: kernel.portUserspaceExits,
      memoryUserspaceExits: kernel.memoryUserspaceExits,
      haltExits: kernel.haltExits,
      interruptWindowExits: kernel.interruptWindowExits,
      coalescedWrites: this.coalescedWrites,
      ringFullExits: kernel.ringFullExits,
      ioeventfdSignals: kernel.ioeventfdSignals ?? null,
      injectedInterrupts: kernel.injectedInterrupts ?? null,
      ...countersOf(this, UserspaceCounters),
      longestWait: this.longestWait ?? null,
      modelledTime: this.modelledTime() ?? null,
      costs,
    };
  }

  private modelledTime(): number | undefined {
    const [ports, memory] = [this.portRows(), this.memoryRows()];
    if (ports === undefined || memory === undefined || this.costs === undefined) return undefined;
    const samples = [...ports, ...memory].reduce((sum, row) => sum + row.samples, 0);
    const exits = this.kernel.portUserspaceExits + this.kernel.memoryUserspaceExits;
    return modelledTime(this.costs, samples - exits, exits).total;
  }

  /** Starts counting anew, in the kernel too. */
  reset(): void {
    this.kernel.reset();
    this.profile?.reset();
    this.longestKnownWait = this.deliveredWrites = 0;
    for (const name of UserspaceCounters) this[name] = 0;
  }
}

function countersOf<Name extends string>(from: Readonly<Record<Name, number>>, names: readonly Name[]) {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Record<Name, number>;
}

type VisitRows = (visit: ExitRowVisitor) => void;

function rowsOf(visitRows: VisitRows, read: string, write: string): ExitRow[] {
  const rows: ExitRow[] = [];
  visitRows((address, isWrite, samples, userspaceExits) => {
    const where = address < 0 ? 'elsewhere' : hex(address);
    rows.push({ key: `${where}:${isWrite ? write : read}`, address, isWrite, samples, userspaceExits });
  });
  return rows;
}
