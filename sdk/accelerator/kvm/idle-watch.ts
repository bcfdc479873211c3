import { SECOND, type VirtualClock } from '../../clock/index.ts';
import type { RunOptions } from '../accelerator.ts';

/** Four minutes of the fastest periodic interrupt of a PC's clock, and a few seconds of the host's time. */
export const DefaultTimerLimit = 2_000_000;
export const DefaultOperationLimit = 100_000_000;
/** A HLT is given up after so many timers, if also so much guest time has passed: slow timers are hopeless sooner. */
const Patience = { timers: 100_000, time: 3600 * SECOND };

/**
 * Counts the returns of control that only timers caused, and in which the guest executed nothing. Operations alone do
 * not bound a run: one pause, one HLT or one gap of a recording lets any number of timers expire.
 */
export class IdleWatch {
  limit = DefaultTimerLimit;
  /** Timers since the last operation. */
  expired = 0;
  /** Timers in this run. */
  total = 0;
  /** Guest time of the first timer since the last operation, and the epoch from which that is counted. */
  private begun = 0;
  private epoch = 0n;
  private totalLimit = 0;
  private hasOwnLimit = false;
  private operations = -1;

  begin({ timerLimit, operationLimit }: RunOptions): void {
    this.limit = timerLimit ?? DefaultTimerLimit;
    this.hasOwnLimit = timerLimit !== undefined;
    this.totalLimit = Math.max(this.limit, operationLimit ?? DefaultOperationLimit);
    this.operations = -1;
    this.expired = this.total = 0;
  }

  /** Timers have expired. True when that was often enough. `operations` is what the guest has executed so far. */
  note(operations: number, clock: VirtualClock): boolean {
    if (operations !== this.operations) {
      this.operations = operations;
      this.expired = 0;
      this.begun = clock.now;
      this.epoch = clock.epoch;
    }
    this.expired++;
    this.total++;
    return this.expired >= this.limit || this.total >= this.totalLimit;
  }

  /** Whether a HLT has waited long enough: not only for many timers, but for a time in which others would have come. */
  isHopeless(clock: VirtualClock): boolean {
    return !this.hasOwnLimit && this.expired >= Patience.timers && this.waited(clock) >= Patience.time;
  }

  /** How long the guest has executed nothing, in nanoseconds. */
  waited(clock: VirtualClock): number {
    return clock.now - this.begun + Number(clock.epoch - this.epoch) * SECOND;
  }
}
