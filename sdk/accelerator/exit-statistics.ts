import { hex } from '../base/text.ts';
import { type ExitCosts, type ExitRow, type ExitTableOptions, formatExitTable, modelledTime } from './exit-table.ts';
import type { HandlerProfile } from './guest-access.ts';
import { KernelCounters, type KernelExitStatistics } from './kvm/kernel-exit-statistics.ts';

/** The counters of userspace; snapshots name them so. */
export const UserspaceCounters = [
  'drainsAtExits',
  'otherDrains',
  'kicks',
  'entriesAtEnd',
  'discardedWrites',
  'damagedEntries',
] as const;

/** Everything countable, as plain data: what `-json` prints. */
export interface ExitSummary
  extends Readonly<
    Record<
      | ('vmExits' | 'userspaceExits' | 'portUserspaceExits' | 'memoryUserspaceExits' | 'haltExits')
      | ('interruptWindowExits' | 'coalescedWrites' | 'ringFullExits' | 'ioeventfdSignals' | 'injectedInterrupts')
      | (
          | 'drainsAtExits'
          | 'otherDrains'
          | 'kicks'
          | 'entriesAtEnd'
          | 'discardedWrites'
          | 'damagedEntries'
          | 'longestWait'
        ),
      number
    >
  > {
  /** Nanoseconds that port and memory exits are modelled to have taken, with these costs: nothing here is measured. */
  readonly modelledTime: number;
  readonly costs: ExitCosts;
}

/**
 * What leaving the guest came to. VM exits and userspace exits are the kernel's own counts; what userspace did about
 * its ring is counted here.
 */
export class ExitStatistics {
  /** Drains that found entries when an exit had brought control back. */
  drainsAtExits = 0;
  /** Drains that found entries for another reason: a kick, a timer, a flagged region, a commit, the end. */
  otherDrains = 0;
  /** Interruptions because a write had been queued for too long. They are not exits. */
  kicks = 0;
  /** The longest that a write was queued, in nanoseconds of guest time. */
  longestWait = 0;
  /** Writes that were still queued when the last run ended, and that its last drain delivered. */
  entriesAtEnd = 0;
  /** Queued writes that a reset overtook: they are dropped. */
  discardedWrites = 0;
  /** Ring entries or indexes that no kernel may leave behind; they are dropped. */
  damagedEntries = 0;
  /** Host time spent in device handlers; only with the profile option. @internal */
  profile: HandlerProfile | undefined;

  /** @internal */
  constructor(
    private readonly kernel: KernelExitStatistics,
    readonly costs: ExitCosts,
  ) {}

  /** One for every instruction that left guest mode; coalescing does not change it. */
  get vmExits(): number {
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

  get coalescedWrites(): number {
    return this.kernel.coalescedWrites;
  }

  /** Userspace exits of writes that found no room in the ring. */
  get ringFullExits(): number {
    return this.kernel.ringFullExits;
  }

  /** `0x70:POUT`, `0x71:PIN`: one row for each port and direction, in order of address. */
  portRows(): ExitRow[] {
    return rowsOf((visit) => this.kernel.forEachPort(visit), 'PIN', 'POUT');
  }

  /** `0xa0000:W`, `0xa0000:R`: one row for each page and direction, in order of address. */
  memoryRows(): ExitRow[] {
    return rowsOf((visit) => this.kernel.forEachPage(visit), 'R', 'W');
  }

  /** As `perf kvm stat report` prints it; the times are modelled, and the table says so. */
  formatTable(options: ExitTableOptions): string {
    return formatExitTable(options.event === 'ioport' ? this.portRows() : this.memoryRows(), this.costs, options);
  }

  summary(): ExitSummary {
    const { interruptions: _, ...kernel } = countersOf(this.kernel, KernelCounters);
    const samples = [...this.portRows(), ...this.memoryRows()].reduce((sum, row) => sum + row.samples, 0);
    const exits = kernel.portUserspaceExits + kernel.memoryUserspaceExits;
    return {
      ...kernel,
      ...countersOf(this, UserspaceCounters),
      longestWait: this.longestWait,
      modelledTime: modelledTime(this.costs, samples - exits, exits).total,
      costs: this.costs,
    };
  }

  /** Starts counting anew, in the kernel too. */
  reset(): void {
    this.kernel.reset();
    this.profile?.reset();
    this.longestWait = 0;
    for (const name of UserspaceCounters) this[name] = 0;
  }
}

function countersOf<Name extends string>(from: Readonly<Record<Name, number>>, names: readonly Name[]) {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Record<Name, number>;
}

type VisitRows = (visit: (address: number, isWrite: boolean, samples: number, userspaceExits: number) => void) => void;

function rowsOf(visitRows: VisitRows, read: string, write: string): ExitRow[] {
  const rows: ExitRow[] = [];
  visitRows((address, isWrite, samples, userspaceExits) => {
    const where = address < 0 ? 'elsewhere' : hex(address);
    rows.push({ key: `${where}:${isWrite ? write : read}`, address, isWrite, samples, userspaceExits });
  });
  return rows;
}
