import { guestTimeOrNever, SECOND, shape, state, type Timer, type VirtualClock } from '../../sdk/index.ts';
import type { InterruptFlags } from './interrupt-flags.ts';
import { Cause, Divider, StatusA } from './registers.ts';
import type { TimeOfDay } from './time-of-day.ts';

/** Ticks of the divider chain. The period of every tap is a whole number of them. */
const TicksPerSecond = 262_144;
/** From the announcement of an update to its end, at the crystals of 1 and 4 MHz, and of 32 kHz. */
const FastUpdate = 129;
const SlowUpdate = 584;
/**
 * Reinjection adds at most this many interrupts per period, and this many in a row when the guest acknowledges.
 *
 * @see QEMU 7.2, hw/rtc/mc146818rtc.c, rtc_coalesced_timer_update, and RTC_REINJECT_ON_ACK_COUNT
 */
const MostExtraPerPeriod = 7;
const MostReinjectedOnAck = 20;
/** A hundred years of ticks. */
const MostLost = 2 ** 50;

export type LostTickPolicy = 'discard' | 'slew';

/** The registers of the chip that the periodic interrupt depends on. */
export interface PeriodicSource {
  readonly statusA: number;
  readonly statusB: number;
  readonly statusC: number;
}

/**
 * Ticks between two periodic interrupts, from status A. 0 if they are off, or if the divider chain is in reset or under
 * test.
 *
 * @see Motorola MC146818A datasheet, Table 5
 */
function periodOf(statusA: number): number {
  const rate = statusA & StatusA.RateSelect;
  const divider = statusA & StatusA.Divider;
  if (rate === 0 || divider > Divider.LastRunning) return 0;
  return 1 << (rate <= 2 && divider === Divider.LastRunning ? rate + 9 : rate + 2);
}

/**
 * The RTC's periodic flag (PF) and its interrupt. An edge of the divider chain sets the flag, also while PIE is clear.
 * The first edge is half a period before UIP rises, and one follows each period. A read of status C computes whether an
 * edge has passed. A timer runs only while the guest has enabled the interrupt.
 *
 * A guest that counts ticks loses time with each tick it does not get. The policy 'discard' drops lost ticks. The
 * policy 'slew' counts them and injects them again, at a higher rate.
 *
 * @see Motorola MC146818A datasheet, "PF" of Register C, and Figure 16
 * @see QEMU 7.2, hw/rtc/mc146818rtc.c, rtc_coalesced_timer: the property lost_tick_policy
 */
export class PeriodicInterrupt {
  /** Ticks of lost interrupts, to be injected again. Always 0 with 'discard'. */
  @state({ as: shape.integer(0, MostLost) }) private lostTicks = 0;
  /** The first edge that has not set the flag yet; never if there are none. */
  @state({ as: guestTimeOrNever }) private next: number;
  @state({ as: shape.integer(0, MostReinjectedOnAck) }) private reinjectedOnAck = 0;
  private readonly due: Timer;
  private readonly reinjection: Timer;

  constructor(
    private readonly clock: VirtualClock,
    private readonly policy: LostTickPolicy,
    private readonly time: TimeOfDay,
    private readonly flags: InterruptFlags,
    private readonly chip: PeriodicSource,
  ) {
    this.next = this.nextEdge();
    this.due = clock.timer('rtc-periodic', () => this.fire());
    this.reinjection = clock.timer('rtc-lost-ticks', () => this.reinject());
  }

  /** Lost interrupts that are still to be injected. QEMU's irq_coalesced. */
  get backlog(): number {
    const period = periodOf(this.chip.statusA);
    return period === 0 ? 0 : Math.floor(this.lostTicks / period);
  }

  /** Sets the flag if an edge has passed. Call it before a change of what edges depend on. */
  catchUp(): void {
    if (this.clock.now < this.next) return;
    this.flags.raise(Cause.Periodic);
    this.next = this.nextEdge();
  }

  /** The rate, the divider chain or the enable bit changed, or the flag was cleared. */
  schedule(): void {
    this.next = this.nextEdge();
    const needsTimer = this.isEnabled && (this.policy === 'slew' || (this.chip.statusC & Cause.Periodic) === 0);
    if (needsTimer) this.due.arm(this.next);
    else this.due.cancel();
    if (!this.isEnabled) this.clearLost();
    else if (!this.reinjection.pending) this.armReinjection();
  }

  /** The guest acknowledged an interrupt. If others were lost, the next is injected at once. */
  acknowledged(): void {
    this.schedule();
    if (this.backlog === 0 || this.reinjectedOnAck >= MostReinjectedOnAck) return;
    this.reinjectedOnAck++;
    this.injectOne();
  }

  /** Status C is clear, and no interrupt is enabled. */
  reset(): void {
    this.schedule();
  }

  cancel(): void {
    this.due.cancel();
    this.clearLost();
  }

  private get isEnabled(): boolean {
    return (this.chip.statusB & Cause.Periodic) !== 0 && periodOf(this.chip.statusA) > 0;
  }

  /** A period that passed unserved is lost, and so is an edge while the flag was still set. */
  private fire(): void {
    const isNew = (this.chip.statusC & Cause.Periodic) === 0;
    const lost = this.edgesSinceNext() + (isNew ? 0 : 1);
    this.catchUp();
    if (this.reinjectedOnAck >= MostReinjectedOnAck) this.reinjectedOnAck = 0;
    if (this.policy === 'slew' && lost > 0) {
      this.lostTicks = Math.min(this.lostTicks + lost * periodOf(this.chip.statusA), MostLost);
      this.armReinjection();
    }
    this.schedule();
  }

  private reinject(): void {
    if (this.backlog === 0) return;
    this.injectOne();
    this.armReinjection();
  }

  /** While the flag is set, one more edge changes nothing. */
  private injectOne(): void {
    if ((this.chip.statusC & Cause.Periodic) !== 0) return;
    this.lostTicks -= periodOf(this.chip.statusA);
    this.flags.raise(Cause.Periodic);
  }

  private armReinjection(): void {
    const { backlog } = this;
    const pause = nanoseconds(periodOf(this.chip.statusA)) / (Math.min(backlog, MostExtraPerPeriod) + 1);
    if (backlog === 0) this.reinjection.cancel();
    else this.reinjection.arm(this.clock.now + Math.floor(pause));
  }

  private clearLost(): void {
    this.lostTicks = 0;
    this.reinjectedOnAck = 0;
    this.reinjection.cancel();
  }

  /** How many edges have passed since the first one that has not set the flag. */
  private edgesSinceNext(): number {
    const period = periodOf(this.chip.statusA);
    const now = this.time.sinceUpdate();
    const next = now - (this.clock.now - this.next);
    return period === 0 ? 0 : this.edgesUntil(now, period) - this.edgesUntil(next, period);
  }

  /** Edges from an update to a time before or after it. One nanosecond is added to an edge, so that it has passed. */
  private edgesUntil(time: number, period: number): number {
    const seconds = Math.floor(time / SECOND);
    const ticks = Math.ceil(((time - seconds * SECOND) * TicksPerSecond) / SECOND) - 1;
    const whole = (seconds * TicksPerSecond) / period;
    return whole + Math.floor((ticks - this.firstEdge(period)) / period);
  }

  private nextEdge(): number {
    const period = periodOf(this.chip.statusA);
    if (period === 0) return Number.POSITIVE_INFINITY;
    const now = this.time.sinceUpdate();
    const edge = this.firstEdge(period) + (this.edgesUntil(now, period) + 1) * period;
    return this.clock.now - now + nanoseconds(edge) + 1;
  }

  /** Ticks from an update to the first edge after it. */
  private firstEdge(period: number): number {
    const isSlow = (this.chip.statusA & StatusA.Divider) === Divider.LastRunning;
    const before = (isSlow ? SlowUpdate : FastUpdate) + period / 2;
    return Math.ceil(before / period) * period - before;
  }
}

const nanoseconds = (ticks: number): number => Math.floor((ticks * SECOND) / TicksPerSecond);
