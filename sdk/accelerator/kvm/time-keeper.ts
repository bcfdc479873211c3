import type { MachineClock } from '../accelerator.ts';
import type { KvmKernel } from './kvm-kernel.ts';

/** Keeps the machine's clock and the kernel's guest time together, so that each timer fires at its own time. */
export class TimeKeeper {
  private kickArmedAt = Number.NaN;

  constructor(
    private readonly kernel: KvmKernel,
    private readonly clock: MachineClock,
  ) {}

  /** Before each entry: the guest is to come back when the next timer is due. */
  armKick(): void {
    const deadline = this.clock.nextDeadline();
    if (deadline === this.kickArmedAt) return;
    this.kickArmedAt = deadline;
    this.kernel.kickAt(deadline);
  }

  /** Before a run: time that passed on the machine's clock alone has passed for the guest too. */
  begin(): void {
    this.kernel.sleepUntil(this.clock.now);
  }

  /** As far as no timer is passed: what happens now precedes every callback. */
  approach(): void {
    const reachable = Math.min(this.kernel.now, this.clock.nextDeadline());
    if (reachable > this.clock.now) this.clock.set(reachable);
  }

  /** Up to the guest's time, with every timer on the way. */
  catchUp(): void {
    const { clock } = this;
    const now = this.kernel.now;
    if (now > clock.now || clock.nextDeadline() <= clock.now) clock.advanceTo(Math.max(now, clock.now));
  }

  /** Both stand at one time. */
  settle(): void {
    this.catchUp();
    this.begin();
  }

  /** Nobody runs: time goes on to the next timer. False if there is none. */
  sleep(): boolean {
    const deadline = this.clock.nextDeadline();
    if (deadline === Number.POSITIVE_INFINITY) return false;
    this.kernel.sleepUntil(deadline);
    return true;
  }
}
