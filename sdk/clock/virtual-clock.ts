import { BackplaneError } from '../base/errors.ts';
import { Countdown, type CountdownOptions } from './countdown.ts';
import { Counter, type CounterOptions } from './counter.ts';
import { LatestSecond, LatestTime, SECOND, secondsToMove } from './time.ts';
import { runDevice, Timer, type TimerQueue } from './timer.ts';

/** More firings at one instant are an endless loop. */
const FiringsAtOneInstant = 10_000;

/**
 * Guest time, and the timers that wait for it: the token by which a device asks for time, and its only source of time.
 *
 * Times are nanoseconds since an epoch. Numbers are exact up to 2^53, which is 104 days of nanoseconds. Before that limit,
 * between two instructions, the epoch moves forward by whole seconds. Each kept time becomes smaller by as much: deadlines,
 * and fields of devices that are declared with `@state({ as: guestTime })`.
 */
export abstract class VirtualClock {
  private readonly queue = new DeadlineQueue();
  private readonly followers = new Set<(nanoseconds: number) => void>();
  private seconds = 0n;
  /** Callbacks that are under way: they hold times in their variables. */
  private firing = 0;
  /** Called for each timer that expires, before its callback runs. */
  observer: ((timer: Timer) => void) | undefined;
  /** Makes a better error of what a callback threw: a machine names the device of the timer. */
  explainFailure: ((timer: Timer, failure: unknown) => unknown) | undefined;

  /** Whether a handler of a device runs: a machine and a bench know. Then no timer can be made. */
  insideHandler: (() => boolean) | undefined;

  /** Guest nanoseconds since the epoch. */
  abstract readonly now: number;

  /** Whole seconds from the start of the machine to the moment from which times are counted. */
  get epoch(): bigint {
    return this.seconds;
  }

  /** Nanoseconds since the machine was started: `now`, or another time that is counted from the epoch. Exact. */
  absolute(time = this.now): bigint {
    return this.seconds * BigInt(SECOND) + BigInt(Math.floor(time));
  }

  /**
   * Moves the epoch forward, by default as far as whole seconds have passed. It changes no moment: `now`, deadlines and kept
   * times become smaller by as much. Accelerators and clocks do it in time; a test may do it between any two instructions,
   * and a device cannot tell. Not in a callback or a handler: their variables hold times.
   */
  rebase(seconds: number = Math.floor(this.now / SECOND)): void {
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > LatestSecond) throw impossibleMove(seconds);
    if (this.isBusy) throw new BackplaneError('epoch-moved-inside', MovedInside);
    const nanoseconds = seconds * SECOND;
    this.startFrom(this.seconds + BigInt(seconds));
    this.moveBack(nanoseconds);
    this.queue.moveBack(nanoseconds);
    for (const follow of this.followers) follow(nanoseconds);
  }

  /** Moves the epoch if `now` is near 2^53 ns. Call it between two instructions: in a callback or a handler it does nothing. */
  rebaseWhenNear(): void {
    const seconds = secondsToMove(this.now);
    if (seconds > 0 && !this.isBusy) this.rebase(seconds);
  }

  /** Code of a device runs, and holds times in its variables. */
  protected get isBusy(): boolean {
    return this.firing > 0 || this.insideHandler?.() === true;
  }

  /** Calls back at each move of the epoch, for times that are kept elsewhere. Answers how to stop that. */
  onRebase(follow: (nanoseconds: number) => void): () => void {
    this.followers.add(follow);
    return () => this.followers.delete(follow);
  }

  /** Sets the epoch of a clock that is set: kept times stay. It is never later than the latest second. */
  protected startFrom(epoch: bigint): void {
    if (epoch === this.seconds) return;
    this.seconds = epoch < LatestSecond ? epoch : BigInt(LatestSecond);
    this.queue.latest = (LatestSecond - Number(this.seconds)) * SECOND;
  }

  /** `now` becomes smaller by this. */
  protected abstract moveBack(nanoseconds: number): void;

  /**
   * Declares a timer by name. It does nothing until it is armed at an absolute time. A device makes its timers in its
   * constructor or in `onRealize`, never while it runs.
   */
  timer(name: string, callback: () => void): Timer {
    return new Timer(name, callback, this.queue, this.insideHandler?.() === true);
  }

  /**
   * Declares a value that counts down by itself, with a frequency. It stands still until it is started. `callback` is called when it
   * has expired, with how often it did since the last call. A device makes its
   * countdowns in its constructor or in `onRealize`, as its timers; one and a timer do not have the same name.
   */
  countdown(name: string, options: CountdownOptions, callback?: (times: number) => void): Countdown {
    return new Countdown(this, name, options, callback);
  }

  /** Declares a value that counts up by itself, as `countdown` does. */
  counter(name: string, options: CounterOptions, callback?: (times: number) => void): Counter {
    return new Counter(this, name, options, callback);
  }

  /** For tests: runs `callback` once, `delay` nanoseconds from now. A device declares a named timer instead. */
  after(delay: number, callback: () => void): Timer {
    const timer = this.timer('after', callback);
    timer.arm(this.now + delay);
    return timer;
  }

  /** The earliest time a timer waits for; Infinity when none is armed that ever fires. */
  nextDeadline(): number {
    return this.queue.next;
  }

  /** Every armed timer, earliest first, ties in the order they were armed. */
  get pendingTimers(): readonly Timer[] {
    return this.queue.timers;
  }

  /** Fires every timer that is due, earliest first and ties in the order of arming. Answers how many fired. */
  runDue(): number {
    const { first } = this.queue;
    return first === undefined || first.deadline > this.now ? 0 : this.fireDue();
  }

  private fireDue(): number {
    let fired = 0;
    for (let timer = this.queue.first; timer !== undefined && timer.deadline <= this.now; timer = this.queue.first) {
      if (++fired > FiringsAtOneInstant) throw this.failureOf(timer, endlessTimer(timer.name, this.absolute()));
      timer.cancel();
      this.observer?.(timer);
      this.firing++;
      try {
        if (timer.ofDevice) runDevice(timer.run);
        else timer.run();
      } catch (failure) {
        throw this.failureOf(timer, failure);
      } finally {
        this.firing--;
      }
    }
    return fired;
  }

  private failureOf(timer: Timer, failure: unknown): unknown {
    return this.explainFailure?.(timer, failure) ?? failure;
  }
}

/** A sorted array: machines have tens of timers, and insertion beats a heap there. */
class DeadlineQueue implements TimerQueue {
  readonly timers: Timer[] = [];
  latest = LatestTime;
  /** The deadline of the first timer; Infinity if none is armed that ever fires. Each exit looks at it. */
  next = Number.POSITIVE_INFINITY;
  private armed = 0;

  get first(): Timer | undefined {
    return this.timers[0];
  }

  schedule(timer: Timer): void {
    timer.order = ++this.armed;
    let low = 0;
    let high = this.timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.timers[middle] as Timer).deadline <= timer.deadline) low = middle + 1;
      else high = middle;
    }
    this.timers.splice(low, 0, timer);
    this.noteNext();
  }

  unschedule(timer: Timer): void {
    const index = this.timers.indexOf(timer);
    if (index >= 0) this.timers.splice(index, 1);
    this.noteNext();
  }

  /** The epoch has moved. What never fires stays where it is. */
  moveBack(nanoseconds: number): void {
    for (const timer of this.timers) if (timer.deadline < LatestTime) timer.deadline -= nanoseconds;
    this.noteNext();
  }

  private noteNext(): void {
    const deadline = this.first?.deadline ?? LatestTime;
    this.next = deadline < LatestTime ? deadline : Number.POSITIVE_INFINITY;
  }
}

const MovedInside =
  'The epoch cannot move in a callback or a handler, whose variables hold times. Move it between two instructions.';

function impossibleMove(seconds: number): BackplaneError {
  const most = seconds > LatestSecond ? ` There are ${LatestSecond} of them.` : '';
  return new BackplaneError(
    'invalid-epoch-move',
    `The epoch cannot move by ${seconds} s: it moves forward by whole seconds.${most}`,
  );
}

function endlessTimer(name: string, now: bigint): BackplaneError {
  return new BackplaneError(
    'endless-timer',
    `Timer '${name}' fired ${FiringsAtOneInstant} times at ${now} ns without time moving: its callback arms it at or ` +
      'before the present. Arm it later than clock.now.',
  );
}
