import { hostNanoseconds } from './host-time.ts';
import { VirtualClock } from './virtual-clock.ts';

/** Guest time that runs as fast as the host's, from zero, and stands still while it is paused. */
export class HostPacedClock extends VirtualClock {
  private elapsed = 0;
  private runningSince: number | undefined;

  constructor(private readonly hostTime: () => number = hostNanoseconds) {
    super();
    this.resume();
  }

  get now(): number {
    if (this.runningSince === undefined) return this.elapsed;
    return this.elapsed + Math.max(0, Math.floor(this.hostTime() - this.runningSince));
  }

  get paused(): boolean {
    return this.runningSince === undefined;
  }

  pause(): void {
    this.elapsed = this.now;
    this.runningSince = undefined;
  }

  resume(): void {
    this.runningSince ??= this.hostTime();
  }

  /** Between two instructions: nothing else tells this clock so. */
  override runDue(): number {
    this.rebaseWhenNear();
    return super.runDue();
  }

  protected override moveBack(nanoseconds: number): void {
    this.elapsed -= nanoseconds;
  }
}
