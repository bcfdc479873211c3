import type { MachineClock } from '../accelerator.ts';
import type { KvmKernel } from './kernel.ts';

/** Moves the machine's clock with the kernel's own time, so that each timer fires at its own time. */
export class TimeKeeper {
  /** What the kernel's own time was at the epoch of the machine's clock. */
  private origin = 0;
  private kickArmedAt = Number.NaN;

  constructor(
    protected readonly kernel: Pick<KvmKernel, 'now' | 'kickAt'>,
    protected readonly clock: MachineClock,
  ) {}

  /** Guest time as the kernel knows it: as the machine's clock counts, and possibly ahead of it. */
  get now(): number {
    return this.kernel.now - this.origin;
  }

  /** Before a run: from here on guest time goes on as the kernel's own time does. */
  begin(): void {
    this.origin = this.kernel.now - this.clock.now;
    this.rearm();
  }

  /** Before each entry. */
  prepareEntry(): void {
    this.armKick();
  }

  /** The kernel comes back for the next timer. */
  protected armKick(): void {
    const deadline = this.clock.nextDeadline();
    if (deadline === this.kickArmedAt) return;
    this.kickArmedAt = deadline;
    this.kernel.kickAt(this.origin + deadline);
  }

  /** The clock's epoch has moved. */
  rebase(nanoseconds: number): void {
    this.origin += nanoseconds;
    this.rearm();
  }

  /** Moves the clock to the guest's time, but past no timer: what happens now precedes every callback. */
  advanceUntilTimer(): void {
    const reachable = Math.min(this.now, this.clock.nextDeadline());
    if (reachable > this.clock.now) this.clock.set(reachable);
  }

  /** Moves the clock to the guest's time, and runs the timers on the way. */
  runTimers(): void {
    const { clock, now } = this;
    if (now > clock.now || clock.nextDeadline() <= clock.now) clock.advanceTo(Math.max(now, clock.now));
  }

  /** The kick that the kernel has is void. */
  protected rearm(): void {
    this.kickArmedAt = Number.NaN;
  }
}
