import { VirtualClock } from './virtual-clock.ts';

/** A clock that stands still until it is told to move: what machines and tests use, and why their runs repeat. */
export class ManualClock extends VirtualClock {
  private nanoseconds: number;

  constructor(start = 0) {
    super();
    this.nanoseconds = start;
  }

  get now(): number {
    return this.nanoseconds;
  }

  /** Moves on by `nanoseconds`, stopping at each deadline on the way: every timer sees exactly its own time. */
  advance(nanoseconds: number): void {
    this.advanceTo(this.nanoseconds + nanoseconds);
  }

  /**
   * Moves on to `time`, stopping at each deadline on the way, as qtest's clock_step does. Going back is refused.
   * A callback that moves the clock itself may have passed `time` when control returns; then nothing moves back.
   */
  advanceTo(time: number): void {
    if (!(time >= this.nanoseconds)) {
      throw new RangeError(`The clock stands at ${this.nanoseconds} ns and cannot go to ${time} ns: time only grows.`);
    }
    this.runDue();
    for (let next = this.nextDeadline(); next <= time; next = this.nextDeadline()) {
      this.nanoseconds = Math.max(this.nanoseconds, next);
      this.runDue();
    }
    this.nanoseconds = Math.max(this.nanoseconds, time);
  }

  /** Puts the clock at `time` without firing anything, forwards or backwards: for restoring a snapshot. */
  set(time: number): void {
    this.nanoseconds = time;
  }
}
