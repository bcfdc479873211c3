import { BackplaneError } from '../base/errors.ts';
import { EpochMovesAt, LatestSecond, SECOND, secondsToMove, splitTime } from './time.ts';
import { VirtualClock } from './virtual-clock.ts';

/** Longer advances are made in parts, so that the epoch can move between them. */
const LongestPart = 2 ** 20 * SECOND;

/** A clock that moves by calls alone. Machines and tests use it, so that their runs repeat. */
export class ManualClock extends VirtualClock {
  private nanoseconds: number;
  /** Where it looks up the time when it is asked for it; undefined: it moves by calls alone. */
  private source: (() => number) | undefined;

  /** `start` is guest time since the machine was started; beyond 52 days the epoch has moved already. */
  constructor(start: number | bigint = 0) {
    super();
    const { epoch, now } = splitTime(start);
    this.nanoseconds = now;
    this.startFrom(epoch);
  }

  get now(): number {
    return this.source === undefined ? this.nanoseconds : this.lookUp(this.source);
  }

  /**
   * From here on its time is what `source` answers, looked up when it is asked for, but no later than the next deadline. Undefined: it
   * stands still again. Timers fire by calls as before.
   */
  follow(source: (() => number) | undefined): void {
    if (source === undefined && this.source !== undefined) this.lookUp(this.source);
    this.source = source;
  }

  /** Advances by `nanoseconds`, rounded up. It stops at each deadline on the way, so that each timer fires at its time. */
  advance(nanoseconds: number): void {
    if (nanoseconds > LongestPart || this.nanoseconds >= EpochMovesAt) this.advanceFar(nanoseconds);
    else this.advanceTo(this.nanoseconds + nanoseconds);
  }

  /**
   * Advances to `time`, stopping at each deadline on the way, as qtest's clock_step does. An earlier time is refused.
   * A callback that moves the clock itself may have passed `time` when control returns; then nothing moves back.
   */
  advanceTo(time: number): void {
    if (!(time >= this.nanoseconds && time <= Number.MAX_SAFE_INTEGER)) throw this.unreachable(time);
    const end = Math.ceil(time);
    this.runDue();
    for (let next = this.nextDeadline(); next <= end; next = this.nextDeadline()) {
      this.nanoseconds = Math.max(this.nanoseconds, next);
      this.runDue();
    }
    this.nanoseconds = Math.max(this.nanoseconds, end);
  }

  /** Sets the clock for a snapshot, forwards or backwards and in any epoch. No timer fires. */
  set(time: number, epoch?: bigint): void {
    this.nanoseconds = time;
    if (epoch !== undefined) this.startFrom(epoch);
  }

  protected override moveBack(nanoseconds: number): void {
    this.nanoseconds -= nanoseconds;
  }

  private lookUp(source: () => number): number {
    const reachable = Math.min(source(), this.nextDeadline());
    if (reachable > this.nanoseconds) this.nanoseconds = reachable;
    return this.nanoseconds;
  }

  private advanceFar(nanoseconds: number): void {
    const room = (LatestSecond - Number(this.epoch)) * SECOND - this.now;
    if (!(nanoseconds <= Math.max(room, LongestPart))) throw this.tooLate(this.now + nanoseconds);
    let left = nanoseconds;
    for (; left > LongestPart; left -= this.advancePart(left)) this.rebaseWhenNear();
    this.rebaseWhenNear();
    this.advanceTo(this.nanoseconds + left);
  }

  /** Over an interval without deadlines the epoch moves once. Answers how far the clock went. */
  private advancePart(left: number): number {
    const seconds = secondsToMove(Math.min(left, this.nextDeadline() - this.nanoseconds));
    if (seconds === 0 || this.isBusy) {
      this.advanceTo(this.nanoseconds + LongestPart);
      return LongestPart;
    }
    const { now } = this;
    this.rebase(seconds);
    this.nanoseconds = now;
    return seconds * SECOND;
  }

  private tooLate(time: number): BackplaneError {
    return new BackplaneError(
      Number.isNaN(time) ? 'invalid-time' : 'time-too-late',
      `The clock cannot go to ${time} ns: it counts from ${this.epoch} s after the start, and no time is later than ` +
        `${LatestSecond} s, which is 142 million years. Advance it less.`,
    );
  }

  private unreachable(time: number): BackplaneError {
    if (!(time >= this.nanoseconds)) {
      return new BackplaneError(
        'time-goes-back',
        `The clock stands at ${this.nanoseconds} ns and cannot go to ${time} ns: time only grows.`,
      );
    }
    return new BackplaneError(
      'time-beyond-epoch',
      `The clock cannot go to ${time} ns: times are counted from its epoch and exact up to 2^53. Use advance(nanoseconds), ` +
        'which moves the epoch on the way.',
    );
  }
}
