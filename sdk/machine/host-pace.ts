import type { Accelerator } from '../accelerator/index.ts';
import { hostNanoseconds, SECOND, type VirtualClock } from '../clock/index.ts';

/** A guest that is further behind than this has lost the time: it does not make up for a laptop that slept. */
const MostBehind = 1 * SECOND;

/** Guest time beside the host's, from a moment at which they are called equal. */
export class HostPace {
  private hostStart = 0;
  private guestStart = 0n;

  constructor(
    private readonly clock: VirtualClock,
    private readonly accelerator: Accelerator,
  ) {
    this.start();
  }

  /** They are equal now. */
  start(): void {
    this.hostStart = hostNanoseconds();
    this.guestStart = this.guestTime;
  }

  /** The guest time at this moment of the host's, in nanoseconds since the machine was started. */
  get present(): bigint {
    return this.guestStart + BigInt(Math.floor(hostNanoseconds() - this.hostStart));
  }

  /** How much guest time may pass until the guest is where the host is, in nanoseconds. */
  get left(): number {
    const left = Number(this.present - this.guestTime);
    if (left <= MostBehind) return Math.max(0, left);
    this.start();
    return 0;
  }

  /** Nanoseconds of the host's time until the next timer of the guest expires; Infinity without one. */
  get untilTimer(): number {
    const deadline = this.clock.nextDeadline();
    if (deadline === Number.POSITIVE_INFINITY) return deadline;
    return Math.max(0, Number(this.clock.absolute(deadline) - this.present));
  }

  private get guestTime(): bigint {
    return this.clock.absolute(this.accelerator.guestTime);
  }
}
