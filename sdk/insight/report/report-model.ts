import type { ExitRow, ExitSummary } from '../../accelerator/index.ts';
import type { AddressMap } from './address-map.ts';
import type { ReplaySamples } from './replay-samples.ts';

/** One replay, as the page shows it. */
export interface ReportMode {
  /** A word: `off`. */
  readonly column: string;
  readonly title: string;
  readonly exits: ExitSummary;
  readonly ports: readonly ExitRow[];
  readonly pages: readonly ExitRow[];
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
