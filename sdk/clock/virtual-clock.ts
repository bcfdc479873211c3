import { runDevice, Timer, type TimerQueue } from './timer.ts';

/** How often timers may fire at one instant before the clock calls it a loop. */
const FiringsAtOneInstant = 10_000;

/**
 * Guest time: nanoseconds since the machine was started, and the timers that wait for it. It is the token by which a
 * device asks for time, and the only source of time there is below it.
 */
export abstract class VirtualClock {
  private readonly queue = new DeadlineQueue();
  /** Hears of each timer that expires, before its callback runs. */
  observer: ((timer: Timer) => void) | undefined;
  /** Makes a better error of what a callback threw: a machine knows whose timer it is. */
  explainFailure: ((timer: Timer, failure: unknown) => unknown) | undefined;

  /** Whether a handler of a device runs: a machine and a bench know. Then no timer can be made. */
  insideHandler: (() => boolean) | undefined;

  /** Guest nanoseconds since the machine was started; exact to 104 days. */
  abstract readonly now: number;

  /**
   * Declares a timer by name. It does nothing until it is armed at an absolute time. A device makes its timers in its
   * constructor or in `onRealize`, never while it runs.
   */
  timer(name: string, callback: () => void): Timer {
    return new Timer(name, callback, this.queue, this.insideHandler?.() === true);
  }

  /** For tests: runs `callback` once, `delay` nanoseconds from now. A device declares a named timer instead. */
  after(delay: number, callback: () => void): Timer {
    const timer = this.timer('after', callback);
    timer.arm(this.now + delay);
    return timer;
  }

  /** The earliest time a timer waits for; Infinity when none is armed. */
  nextDeadline(): number {
    return this.queue.first?.deadline ?? Number.POSITIVE_INFINITY;
  }

  /** Every armed timer, earliest first, ties in the order they were armed. */
  get pendingTimers(): readonly Timer[] {
    return this.queue.timers;
  }

  /** Fires every timer that is due, earliest first and ties in the order of arming. Answers how many fired. */
  runDue(): number {
    let fired = 0;
    for (let timer = this.queue.first; timer !== undefined && timer.deadline <= this.now; timer = this.queue.first) {
      if (++fired > FiringsAtOneInstant) throw this.failureOf(timer, endlessTimer(timer.name, this.now));
      timer.cancel();
      this.observer?.(timer);
      try {
        if (timer.ofDevice) runDevice(timer.callback);
        else timer.callback();
      } catch (failure) {
        throw this.failureOf(timer, failure);
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
  }

  unschedule(timer: Timer): void {
    const index = this.timers.indexOf(timer);
    if (index >= 0) this.timers.splice(index, 1);
  }
}

function endlessTimer(name: string, now: number): Error {
  return new Error(
    `Timer '${name}' fired ${FiringsAtOneInstant} times at ${now} ns without time moving: its callback arms it at or ` +
      'before the present. Arm it later than clock.now.',
  );
}
