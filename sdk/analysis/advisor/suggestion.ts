import type { PluggedDevice } from '../../machine/index.ts';

/** The part of a suggestion that says what to change. */
export interface Applicable {
  readonly kind: 'coalesce' | 'ioeventfd';
  readonly isPort: boolean;
  /** Guest addresses. */
  readonly start: number;
  readonly size: number;
  /** The device and the region that take the writes; absent where the machine models no device. */
  readonly device?: string;
  readonly region?: string;
  /** In the region, or the address itself. */
  readonly offset: number;
  /** The value that an ioeventfd takes. */
  readonly match?: number;
}

/** What a recording would come to. Times are nanoseconds of guest time. */
export interface Prediction {
  readonly userspaceExits: number;
  readonly coalescedWrites: number;
  readonly ringFullExits: number;
  readonly kicks: number;
  readonly signals: number;
  /** Of the writes that the candidate takes: how many, and how long they wait for delivery. */
  readonly taken: number;
  readonly longestWait: number;
  readonly meanWait: number;
}

/**
 * - same: the device ran with the range coalesced and without, and answered the same.
 * - differs: a script shows a difference.
 * - waits: no device is modelled, and what a PC has there may wait.
 * - unsound: by the declaration, the replay or a PC's data sheet, a late write is noticed.
 * - not modelled: no device is modelled, and what a PC has there is not known.
 * - not checked: the device cannot be run by itself, or no script shows what its writes do.
 */
export type AdviceVerdict = 'same' | 'differs' | 'waits' | 'unsound' | 'not modelled' | 'not checked';

/** Whether a write may wait, as far as is known. */
export const mayWait = (verdict: AdviceVerdict): boolean => verdict === 'same' || verdict === 'waits';
export const mustNotWait = (verdict: AdviceVerdict): boolean => verdict === 'differs' || verdict === 'unsound';

/** What is to be coalesced for a check: by the name of the region in its class. */
export interface RangeToCheck {
  readonly region: string;
  readonly offset: number;
  readonly size: number;
  /** Regions of the device that deliver the queue, by name. */
  readonly flushes: readonly string[];
  /** What the recorded guest wrote there. */
  readonly values: readonly number[];
  /** Where the machine has the regions of the device, by name. */
  readonly addresses: ReadonlyMap<string, number>;
}

/** What running the device with the range and without it came to. */
export interface RangeCheck {
  readonly scripts: number;
  readonly seed: number;
  /** What differs, and the shortest script that shows it, as the code of a guest program. */
  readonly difference?: { readonly message: string; readonly script: string };
  /** Why the device could not be run by itself. */
  readonly refused?: string;
  /** Registers whose writes do nothing that any of the scripts shows: nothing is known of them. */
  readonly unseen?: readonly string[];
}

/** Runs a device by itself, with a range coalesced and without. */
export type CheckRange = (device: PluggedDevice, range: RangeToCheck) => RangeCheck;

/** One range to coalesce, or one write to turn into a signal, and what comes of it. Plain data. */
export interface Suggestion extends Applicable {
  /** What it is, in a word or two. */
  readonly what: string;
  /** Writes that leave for userspace today. */
  readonly writes: number;
  readonly prediction: Prediction;
  /** Userspace exits that vanish: exactly this many. */
  readonly saved: number;
  readonly verdict: AdviceVerdict;
  readonly reasons: readonly string[];
  /** What running the device with the range and without it came to; absent where it was not run. */
  readonly check?: RangeCheck;
  /** What to paste into the device's file; empty where the writes must not wait. */
  readonly declaration: string;
}

export interface Advice {
  readonly recording: string;
  readonly machine: string;
  readonly accesses: number;
  /** What the recording comes to on this machine as it is. */
  readonly today: Prediction;
  readonly coalesce: readonly Suggestion[];
  readonly ioeventfds: readonly Suggestion[];
  /** Places that were left out: they have fewer writes than those that were tried. */
  readonly untried: number;
  /** Writes that run over the end of what takes them: no zone can hold them. */
  readonly unreachable: number;
}
