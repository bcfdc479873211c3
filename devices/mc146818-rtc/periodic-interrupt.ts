import { guestTimeOrNever, SECOND, shape, state, type Timer, type VirtualClock } from '../../sdk/index.ts';
import type { InterruptFlags } from './interrupt-flags.ts';
import { Cause, Divider, StatusA } from './registers.ts';
import type { TimeOfDay } from './time-of-day.ts';

/** Of the divider chain, where all its taps are whole numbers of them. */
const TicksPerSecond = 262_144;
/** From the announcement of an update to its end, at the crystals of 1 and 4 MHz, and of 32 kHz. */
const FastUpdate = 129;
const SlowUpdate = 584;
/** Slewing gains at most this many interrupts per period, and this many in a row when the guest acknowledges. */
const MostExtraPerPeriod = 7;
const MostInARow = 20;
/** Of a hundred years. */
const MostOwed = 2 ** 50;

export type LostTickPolicy = 'discard' | 'slew';

/** What the periodic interrupt needs of its chip. */
export interface PeriodicSource {
  readonly statusA: number;
  readonly statusB: number;
  readonly statusC: number;
}

/**
 * Ticks between two periodic interrupts, as status A says; 0 if they are off, or if the divider chain is held or tested.
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
 * The RTC's periodic flag and its interrupt. The flag rises at an edge of the divider chain, whatever is enabled: half a period
 * before an update is announced, and at every period from there. Whether one has passed is worked out when status C is read; a
 * timer runs only for a guest that wants the interrupt.
 *
 * A guest that keeps time by counting them loses time with each one it does not get: with the policy 'discard' that is its
 * problem, with 'slew' they are counted and sent again, a little faster than they came.
 *
 * @see Motorola MC146818A datasheet, "PF" of Register C, and Figure 16
 */
export class PeriodicInterrupt {
  /** Ticks of interrupts that the guest is still owed. Always 0 with 'discard'. */
  @state({ as: shape.integer(0, MostOwed) }) private owed = 0;
  /** The first edge that has not been seen; never if there are none. */
  @state({ as: guestTimeOrNever }) private next: number;
  @state({ as: shape.integer(0, MostInARow) }) private inARow = 0;
  private readonly due: Timer;
  private readonly again: Timer;

  constructor(
    private readonly clock: VirtualClock,
    private readonly policy: LostTickPolicy,
    private readonly time: TimeOfDay,
    private readonly flags: InterruptFlags,
    private readonly chip: PeriodicSource,
  ) {
    this.next = this.nextEdge();
    this.due = clock.timer('rtc-periodic', () => this.fire());
    this.again = clock.timer('rtc-lost-ticks', () => this.sendAgain());
  }

  /** Interrupts that the guest is still owed. */
  get backlog(): number {
    const period = periodOf(this.chip.statusA);
    return period === 0 ? 0 : Math.floor(this.owed / period);
  }

  /** Sets the flag if an edge has passed. To be called before anything changes that edges depend on. */
  catchUp(): void {
    if (this.clock.now < this.next) return;
    this.flags.happen(Cause.Periodic);
    this.next = this.nextEdge();
  }

  /** The rate, the divider chain or the enable bit changed, or the flag was cleared. */
  schedule(): void {
    this.next = this.nextEdge();
    const isWanted = this.isWanted && (this.policy === 'slew' || (this.chip.statusC & Cause.Periodic) === 0);
    if (isWanted) this.due.arm(this.next);
    else this.due.cancel();
    if (!this.isWanted) this.forget();
    else if (!this.again.pending) this.armAgain();
  }

  /** The guest acknowledged an interrupt: if it is owed more it gets the next one at once. */
  acknowledged(): void {
    this.schedule();
    if (this.backlog === 0 || this.inARow >= MostInARow) return;
    this.inARow++;
    this.sendOwed();
  }

  /** Status C is clear, and no interrupt is enabled. */
  reset(): void {
    this.schedule();
  }

  cancel(): void {
    this.due.cancel();
    this.forget();
  }

  private get isWanted(): boolean {
    return (this.chip.statusB & Cause.Periodic) !== 0 && periodOf(this.chip.statusA) > 0;
  }

  /** Whole periods slept through are lost, as are interrupts that the guest could not tell from the one before. */
  private fire(): void {
    const isNoticed = (this.chip.statusC & Cause.Periodic) === 0;
    const lost = this.edgesSinceNext() + (isNoticed ? 0 : 1);
    this.catchUp();
    if (this.inARow >= MostInARow) this.inARow = 0;
    if (this.policy === 'slew' && lost > 0) {
      this.owed = Math.min(this.owed + lost * periodOf(this.chip.statusA), MostOwed);
      this.armAgain();
    }
    this.schedule();
  }

  private sendAgain(): void {
    if (this.backlog === 0) return;
    this.sendOwed();
    this.armAgain();
  }

  /** While the line is up one tick more makes no difference. */
  private sendOwed(): void {
    if ((this.chip.statusC & Cause.Periodic) !== 0) return;
    this.owed -= periodOf(this.chip.statusA);
    this.flags.happen(Cause.Periodic);
  }

  private armAgain(): void {
    const { backlog } = this;
    const pause = nanoseconds(periodOf(this.chip.statusA)) / (Math.min(backlog, MostExtraPerPeriod) + 1);
    if (backlog === 0) this.again.cancel();
    else this.again.arm(this.clock.now + Math.floor(pause));
  }

  private forget(): void {
    this.owed = 0;
    this.inARow = 0;
    this.again.cancel();
  }

  /** How many edges have passed since the first one that has not been seen. */
  private edgesSinceNext(): number {
    const period = periodOf(this.chip.statusA);
    const now = this.time.sinceUpdate();
    const next = now - (this.clock.now - this.next);
    return period === 0 ? 0 : this.edgesUntil(now, period) - this.edgesUntil(next, period);
  }

  /** Edges from an update to a moment before or after it. A nanosecond late, so that an edge has surely passed. */
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
