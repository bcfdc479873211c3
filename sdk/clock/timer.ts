import { BackplaneError } from '../base/errors.ts';
import type { Json, JsonReader } from '../base/json-reader.ts';
import { LatestTime } from './time.ts';

/** The queue of a clock, in which a timer waits while it is armed. */
export interface TimerQueue {
  /** The latest time of all, from the clock's epoch: what is armed for it or later never fires. */
  readonly latest: number;
  schedule(timer: Timer): void;
  unschedule(timer: Timer): void;
}

/** What counts by a timer, and has state beside its deadline: a countdown or a counter. */
export interface TimerState {
  /** A reset of the device leaves it alone. */
  readonly atReset: 'kept' | undefined;
  reset(): void;
  save(): { readonly [name: string]: Json };
  /** Reads a saved state from an untrusted source. Answers how to put it in place, but for the timer. */
  read(saved: JsonReader): () => void;
}

/** The timers that are being declared, while a device is made or realized. */
let declared: Timer[] | undefined;
/** How many resets and callbacks of devices are under way. */
let running = 0;

/** All that were declared since the outermost `collectTimers` began, those of devices inside included. */
let unowned: Timer[] = [];

/**
 * Runs `body`, and answers the timers that it declares, on whatever clock: those of the device that it makes. If it throws, there is no
 * device, and none of them stays armed.
 */
export function collectTimers<T>(body: () => T): { readonly result: T; readonly timers: readonly Timer[] } {
  const outer = declared;
  const first = unowned.length;
  const timers: Timer[] = [];
  declared = timers;
  try {
    return { result: body(), timers };
  } catch (error) {
    for (const timer of unowned.slice(first)) timer.cancel();
    throw error;
  } finally {
    declared = outer;
    if (outer === undefined) unowned = [];
  }
}

/**
 * Whether a timer made now would belong to no device: a device makes it in a handler, or in other code that
 * `runDevice` runs.
 */
export function isMadeLate(insideHandler: boolean): boolean {
  return declared === undefined && (insideHandler || running > 0);
}

/** Runs code of a device that is realized already, other than a handler: its reset, or a callback. */
export function runDevice<T>(body: () => T): T {
  const outer = declared;
  declared = undefined;
  running++;
  try {
    return body();
  } finally {
    running--;
    declared = outer;
  }
}

/**
 * A callback at an absolute guest time, once. The state of a timer is its name and its deadline. A snapshot holds these two,
 * and the restored device owns the callback.
 */
export class Timer {
  /** For a field with `@state`. */
  static readonly whyNoState = 'is a timer, which is state by itself. Leave @state out';
  /** When it fires, in guest nanoseconds; Infinity while it is not armed. Set by `arm` and `cancel` only. */
  deadline = Number.POSITIVE_INFINITY;
  /** Set if other state of the device says whether the timer is armed: a snapshot in which the two disagree is refused. */
  armedWhile: (() => boolean) | undefined;
  /** Set by a countdown or a counter, whose timer this is. @internal */
  counting: TimerState | undefined;
  /** Breaks ties: of two timers with one deadline, the one armed first fires first. Kept by the clock. */
  order = 0;
  /** It belongs to the device that was being made or realized; others are those of tests and tools. */
  readonly ofDevice = declared !== undefined;
  /** What the clock runs: the callback, or the callback as an event of its device. @internal */
  run: () => void;

  /** @internal */
  constructor(
    readonly name: string,
    readonly callback: () => void,
    private readonly queue: TimerQueue,
    insideHandler: boolean,
  ) {
    if (isMadeLate(insideHandler)) throw lateTimer(name);
    this.run = callback;
    if (declared === undefined) return;
    declared.push(this);
    unowned.push(this);
  }

  get pending(): boolean {
    return this.deadline !== Number.POSITIVE_INFINITY;
  }

  /**
   * Fires at guest time `at`, once; a fraction of a nanosecond counts as a whole one. Arming a pending timer moves it; a time
   * that has passed fires at the next check. However late `at` is, it is kept exactly, up to 142 million
   * years, where it never fires; a sum beyond 2^53 was rounded before.
   */
  arm(at: number): void {
    if (Number.isNaN(at))
      throw new BackplaneError('invalid-time', `Timer '${this.name}' cannot be armed at NaN: pass guest nanoseconds.`);
    if (this.pending) this.queue.unschedule(this);
    const isReached = at < this.queue.latest || at === Number.POSITIVE_INFINITY;
    this.deadline = isReached ? Math.ceil(at) : LatestTime;
    if (this.pending) this.queue.schedule(this);
  }

  cancel(): void {
    if (!this.pending) return;
    this.queue.unschedule(this);
    this.deadline = Number.POSITIVE_INFINITY;
  }
}

function lateTimer(name: string): BackplaneError {
  return new BackplaneError(
    'late-timer',
    `Timer '${name}' is made by a device that runs already, in a handler, a hook, a callback or reset(), so it would belong to no ` +
      'device: snapshots, swap and unplug would miss it. Make it in the constructor or in onRealize(), keep it in a field, and ' +
      'arm it here.',
  );
}
