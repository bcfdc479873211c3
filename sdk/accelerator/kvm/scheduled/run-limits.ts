import { MILLISECOND, SECOND, type VirtualClock } from '../../../clock/index.ts';
import type { RunOptions } from '../../accelerator.ts';

const DefaultProgressEvery = 10_000;

/** How many operations a run has left, and when `onProgress` is due. Looked at between turns. */
export class RunBudget {
  /** What the guests had executed when the run began. */
  start = 0;
  /** Operations that the run has left. */
  left = 0;
  /** The accesses of machine code when the run began, and those at which it ends. */
  firstAccess = 0;
  lastAccess = Number.POSITIVE_INFINITY;
  /** What they had executed at the end of the last turn. */
  counted = 0;
  private progressEvery = DefaultProgressEvery;
  private progressLeft = DefaultProgressEvery;
  private onProgress: ((operations: number) => void) | undefined;

  begin(options: RunOptions, operations: number, accesses: number): void {
    this.start = this.counted = operations;
    this.left = options.operationLimit ?? DefaultOperationLimit;
    this.firstAccess = accesses;
    this.lastAccess = accesses + (options.accessLimit ?? this.left);
    this.progressEvery = this.progressLeft = options.progressEvery ?? DefaultProgressEvery;
    this.onProgress = options.onProgress;
  }

  /** How long the next turn may be. */
  get longestTurn(): number {
    return this.onProgress === undefined ? this.left : Math.min(this.left, this.progressLeft);
  }

  /** The guests have executed so many operations, and made so many accesses, by now. */
  spend(operations: number, accesses: number): void {
    const spent = operations - this.counted;
    this.counted = operations;
    this.left = accesses < this.lastAccess ? this.left - spent : 0;
    this.progressLeft -= spent;
    if (this.progressLeft > 0) return;
    this.progressLeft = this.progressEvery;
    this.onProgress?.(operations - this.start);
  }
}

/** Four minutes of the fastest periodic interrupt of a PC's clock, and a few seconds of the host's time. */
const DefaultTimerLimit = 2_000_000;
const DefaultOperationLimit = 100_000_000;
/** A HLT is given up after so many timers, if so much guest time has passed too. */
const HaltLimit = { timers: 100_000, time: 3600 * SECOND };

/** A guest that waits for the outside, and for its timers longer than this, waits as long in the host's time. */
const LongestFreeWait = 100 * MILLISECOND;

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

  /** Whether a HLT has waited for many timers, and for a time in which slower ones would have expired too. */
  isHaltedTooLong(clock: VirtualClock): boolean {
    return !this.hasOwnLimit && this.expired >= HaltLimit.timers && this.waited(clock) >= HaltLimit.time;
  }

  /** Whether the guest will have executed nothing for long at the next timer. */
  waitsLong(operations: number, clock: VirtualClock): boolean {
    const waited = operations === this.operations ? this.waited(clock) : 0;
    return waited + clock.nextDeadline() - clock.now > LongestFreeWait;
  }

  /** How long the guest has executed nothing, in nanoseconds. */
  waited(clock: VirtualClock): number {
    return clock.now - this.begun + Number(clock.epoch - this.epoch) * SECOND;
  }
}
