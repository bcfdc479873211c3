import { guestTime, SECOND, shape, state, type Timer, type VirtualClock } from '../../sdk/index.ts';
import type { InterruptFlags } from './interrupt-flags.ts';

/** The crystal. Rates are powers of two below it, so whole ticks never drift. */
const TicksPerSecond = 32_768;
/** Slewing gains at most this many interrupts per period, and this many in a row when the guest acknowledges. */
const MostExtraPerPeriod = 7;
const MostInARow = 20;

export type LostTickPolicy = 'discard' | 'slew';

/** What the periodic interrupt needs of its chip. */
export interface PeriodicSource {
  /** Ticks of the crystal from one interrupt to the next; 0 when they are off. */
  readonly period: number;
}

/** The crystal's ticks between two interrupts at a rate select of status A. */
export function periodOfRate(rateSelect: number): number {
  if (rateSelect === 0) return 0;
  return 1 << (rateSelect <= 2 ? rateSelect + 6 : rateSelect - 1);
}

const wholeTicks = (time: number): number => {
  const seconds = Math.floor(time / SECOND);
  return seconds * TicksPerSecond + Math.floor(((time - seconds * SECOND) * TicksPerSecond) / SECOND);
};

const nanoseconds = (ticks: number): number => {
  const seconds = Math.floor(ticks / TicksPerSecond);
  return seconds * SECOND + Math.floor(((ticks - seconds * TicksPerSecond) * SECOND) / TicksPerSecond);
};

/**
 * The RTC's periodic interrupt. A guest that keeps time by counting them loses time with each one it does not get: with
 * the policy 'discard' that is its problem, with 'slew' they are counted and sent again, a little faster than they came.
 */
export class PeriodicInterrupt {
  /** Interrupts that the guest is still owed. Always 0 with 'discard'. */
  @state({ as: shape.bits(32) }) backlog = 0;
  @state({ as: shape.integer(0, TicksPerSecond) }) private period = 0;
  @state({ as: guestTime }) private next = 0;
  @state({ as: shape.integer(0, MostInARow) }) private inARow = 0;
  private readonly due: Timer;
  private readonly again: Timer;

  constructor(
    private readonly clock: VirtualClock,
    private readonly policy: LostTickPolicy,
    private readonly flags: InterruptFlags,
    private readonly source: PeriodicSource,
  ) {
    this.due = clock.timer('rtc-periodic', () => this.fire());
    this.due.armedWhile = () => this.period > 0;
    this.again = clock.timer('rtc-lost-ticks', () => this.sendAgain());
  }

  /** The guest changed the rate or the enable bit. What has passed of the old period counts towards the new one. */
  reprogram(): void {
    const { period } = this.source;
    if (period === 0) {
      this.stop();
      return;
    }
    const now = wholeTicks(this.clock.now);
    const elapsed = this.period === 0 ? 0 : Math.max(0, now - (wholeTicks(this.next) - this.period));
    const credit = this.policy === 'slew' ? this.convertBacklog(elapsed, period) : Math.min(elapsed, period);
    this.period = period;
    this.arm(now + period - credit);
  }

  /** The guest acknowledged an interrupt: if it is owed more it gets the next one at once. */
  acknowledged(): void {
    if (this.backlog === 0 || this.source.period === 0 || this.inARow >= MostInARow) return;
    this.inARow++;
    if (this.flags.tick()) this.backlog--;
  }

  /** A tick under way still happens, and finds the interrupt disabled; what is owed is forgotten. */
  reset(): void {
    this.backlog = 0;
    this.inARow = 0;
    this.again.cancel();
  }

  cancel(): void {
    this.reset();
    this.stop();
  }

  /** Ticks come at multiples of the period from the first, however late the clock looks. Whole periods slept through are lost. */
  private fire(): void {
    const { period } = this.source;
    if (period === 0) {
      this.stop();
      this.flags.tick();
      return;
    }
    const due = wholeTicks(this.next);
    const missed = Math.max(0, Math.floor((wholeTicks(this.clock.now) - due) / period));
    this.period = period;
    this.arm(due + (missed + 1) * period);
    if (this.inARow >= MostInARow) this.inARow = 0;
    const lost = missed + (this.flags.tick() ? 0 : 1);
    if (this.policy !== 'slew' || lost === 0) return;
    this.backlog += lost;
    this.armAgain();
  }

  private sendAgain(): void {
    if (this.backlog === 0 || this.source.period === 0) return;
    if (this.flags.tick()) this.backlog--;
    this.armAgain();
  }

  private armAgain(): void {
    const pause = Math.floor(nanoseconds(this.period) / (Math.min(this.backlog, MostExtraPerPeriod) + 1));
    if (this.backlog === 0) this.again.cancel();
    else this.again.arm(this.clock.now + pause);
  }

  /** What the guest is owed, in ticks of the new rate. Answers what is left over, less than one of them. */
  private convertBacklog(elapsed: number, period: number): number {
    const owed = elapsed + this.backlog * this.period;
    this.backlog = Math.floor(owed / period);
    this.period = period;
    this.armAgain();
    return owed % period;
  }

  /** One nanosecond late, so that the tick has surely passed when the time is converted back. */
  private arm(tick: number): void {
    this.next = nanoseconds(tick) + 1;
    this.due.arm(this.next);
  }

  private stop(): void {
    this.period = 0;
    this.backlog = 0;
    this.due.cancel();
    this.again.cancel();
  }
}
