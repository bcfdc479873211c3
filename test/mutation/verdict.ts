import type { ConformanceSettings } from '../../sdk/testing/conformance/check.ts';

/** What a worker is asked: is this copy of a device told from the original? */
export interface Question {
  readonly id: number;
  readonly bundle: string;
  /** Undefined: it is undamaged itself, and to be accepted. */
  readonly original: string | undefined;
  readonly exported: string;
  /** By name: its settings are not data. */
  readonly suspect: string;
  readonly quick: ConformanceSettings;
}

/**
 * - `definition`: the class was refused, or the device could not be made.
 * - `contract`: a check of what holds for every device.
 * - `lint`: only what is likely a mistake, by what the copy declares.
 * - `record`: only the comparison with what the original was recorded to do.
 * - `survived`: the suite passed, and a longer comparison with the original found a difference.
 * - `alike`: nothing told it from the original.
 */
export type Verdict = 'definition' | 'contract' | 'lint' | 'record' | 'survived' | 'alike' | 'hangs';

export interface Reply {
  readonly id: number;
  readonly verdict: Verdict;
  /** The check, or the sentence of a refusal. */
  readonly by: string;
}
