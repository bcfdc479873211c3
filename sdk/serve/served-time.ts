import type { MachineClock } from '../accelerator/index.ts';
import { hostNanoseconds, SECOND } from '../clock/index.ts';

/** A device whose timers are further behind than this has lost the time: it does not make up for a process that was stopped. */
const MostBehind = 1 * SECOND;

/** Guest time of a served device. The client says nothing of its own: it follows the host's, and no pause of the guest stops it. */
export class ServedTime {
  /** Where guest time stood at `hostStart`, from the epoch of the clock on. */
  private start: number;
  private hostStart: number;
  private epoch: bigint;

  constructor(
    private readonly clock: MachineClock,
    private readonly hostTime: () => number = hostNanoseconds,
  ) {
    this.epoch = clock.epoch;
    this.start = clock.now;
    this.hostStart = hostTime();
  }

  /** Moves the clock to the present, with every timer on the way. */
  catchUp(): void {
    const { clock, behind } = this;
    if (behind <= 0) return;
    const quiet = Math.min(behind, Math.max(0, clock.nextDeadline() - clock.now));
    const late = behind - quiet;
    if (late > MostBehind) this.start -= Math.floor(late - MostBehind);
    clock.advance(quiet + Math.min(late, MostBehind));
  }

  /** Nanoseconds of the host's time until the next timer expires; Infinity without one. */
  get untilTimer(): number {
    const { clock } = this;
    const deadline = clock.nextDeadline();
    if (deadline === Number.POSITIVE_INFINITY) return deadline;
    return Math.max(0, deadline - clock.now - Math.max(0, this.behind));
  }

  private get behind(): number {
    const { clock } = this;
    const elapsed = Math.floor(this.hostTime() - this.hostStart);
    if (clock.epoch === this.epoch) return this.start + elapsed - clock.now;
    // The epoch has moved, and so does the start: both stay small enough to be exact.
    this.start += elapsed - Number(clock.epoch - this.epoch) * SECOND;
    this.hostStart += elapsed;
    this.epoch = clock.epoch;
    return this.start - clock.now;
  }
}
