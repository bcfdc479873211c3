import type { MachineClock } from '../accelerator/accelerator.ts';
import { TimeKeeper } from '../accelerator/kvm/time-keeper.ts';
import type { TraceGuest } from '../accelerator/trace/guest.ts';
import { MILLISECOND } from '../clock/index.ts';
import { EpochMovesAt } from '../clock/time.ts';

/** What a queued write may wait before a kick. */
const LongestWait = 10 * MILLISECOND;
/** A recording has a time of its own, and nothing kicks its guest. */
const NoKernel = { now: 0, kickAt() {} };

/** The clock of a replay is the recording's: at each return it is the time of the access that is served. */
export class RecordedTime extends TimeKeeper {
  private index = 0;

  constructor(
    clock: MachineClock,
    private readonly guest: TraceGuest,
  ) {
    super(NoKernel, clock);
  }

  override get now(): number {
    return this.guest.timeAt(this.index);
  }

  override begin(): void {
    this.guest.countFrom(this.clock.epoch);
  }

  override rebase(): void {
    this.guest.countFrom(this.clock.epoch);
  }

  /** The access at this index is served now. Behind the last one it stays at its time. */
  arrive(index: number): void {
    this.index = Math.min(index, this.guest.trace.length - 1);
    if (this.now < EpochMovesAt) return;
    this.advanceUntilTimer();
    this.clock.rebaseWhenNear();
  }

  /** Kicks by the recorded times: the accesses from `first` on were queued, and `end` is the one that came out. */
  kicksBetween(first: number, end: number): number {
    const { guest } = this;
    let kicks = 0;
    let oldest = first;
    for (let index = first + 1; index <= end && index < guest.trace.length; index++) {
      if (guest.timeAt(index) - guest.timeAt(oldest) < LongestWait) continue;
      kicks++;
      oldest = index;
    }
    return kicks;
  }
}
