import type { ExitRow, ExitSummary, KvmAccelerator, RecordedTrace } from '../../accelerator/index.ts';
import type { Machine } from '../../machine/index.ts';
import type { ReplayObserver } from '../replay.ts';
import type { AddressMap } from './address-map.ts';

/** What a replay was like over guest time, in equal parts of it. */
export interface ReplaySamples {
  /** Nanoseconds of one part. */
  readonly step: number;
  /** Userspace exits in each part. */
  readonly exits: Float64Array;
  /** The most writes that were queued at once in each part. */
  readonly depth: Float64Array;
}

const Parts = 240;

/** Watches one replay: hand `observe` to it, and read the samples when it is over. */
export class ReplaySampler {
  readonly samples: ReplaySamples;
  private last = 0;

  constructor(private readonly trace: RecordedTrace) {
    const end = trace.at[trace.length - 1] ?? 0;
    const step = Math.max(1, (end + 1) / Parts);
    this.samples = { step, exits: new Float64Array(Parts), depth: new Float64Array(Parts) };
  }

  readonly observe = (machine: Machine): ReplayObserver => {
    const accelerator = machine.accelerator as KvmAccelerator;
    return (position) => {
      if (position === 0) return;
      const { step, exits, depth } = this.samples;
      const part = Math.floor(this.trace.at[position - 1]! / step);
      const { userspaceExits } = accelerator.statistics;
      exits[part]! += userspaceExits - this.last;
      this.last = userspaceExits;
      depth[part] = Math.max(depth[part]!, accelerator.queuedWrites);
    };
  };
}

/** One replay, as the page shows it. */
export interface ReportMode {
  /** A word: `off`. */
  readonly column: string;
  readonly title: string;
  readonly exits: ExitSummary;
  /** Undefined where the kernel does not count its exits by address. */
  readonly ports: readonly ExitRow[] | undefined;
  readonly pages: readonly ExitRow[] | undefined;
  readonly samples: ReplaySamples;
  /** The machine's two maps at the end of the replay. */
  readonly maps: { readonly ports: AddressMap; readonly memory: AddressMap };
}

/** Everything that is on the page. */
export interface ReportInput {
  readonly recording: string;
  readonly machine: string;
  readonly accesses: number;
  /** Nanoseconds. */
  readonly guestTime: number;
  readonly modes: readonly ReportMode[];
}
