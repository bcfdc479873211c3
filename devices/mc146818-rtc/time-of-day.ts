import { MILLISECOND, SECOND, shape, state, type VirtualClock } from '../../sdk/index.ts';
import { secondsUntilAlarm } from './alarm.ts';
import { calendarTime, loadTime, newCalendarTime, secondsSince1970, storeTime } from './calendar.ts';

/** Beyond this, numbers are not exact. */
const MostSeconds = Number.MAX_SAFE_INTEGER;

/**
 * What time it is, as whole seconds and the nanoseconds beyond them, kept apart because their product leaves the integers that
 * a number can hold. Nothing ticks here: the time is worked out when somebody asks, from the guest's clock.
 *
 * The chip is set to a second of its own within a second of guest time. What is kept is how far the two are apart, so that it
 * does not matter how long ago that was, nor from which epoch guest time is counted.
 */
export class TimeOfDay {
  /** Seconds since 1970, less the whole seconds of guest time; without those while it is held. */
  @state({ as: shape.between(-MostSeconds, MostSeconds) }) protected base: number;
  /** Nanoseconds of its second that had passed when the clock was set last, and of the guest's second then. */
  @state({ as: shape.between(-SECOND, SECOND) }) protected phase: number;
  @state({ as: shape.between(-SECOND, SECOND) }) protected since: number;
  @state private held = false;
  private readonly calendar = newCalendarTime();

  constructor(
    private readonly ram: Uint8Array,
    private readonly baseYear: number,
    date: Date,
    private readonly clock: VirtualClock,
  ) {
    const second = Math.floor(date.getTime() / 1000);
    this.base = second - this.guestSecond(clock.now);
    this.since = this.guestPart(clock.now);
    this.phase = (date.getTime() - second * 1000) * MILLISECOND;
  }

  /** Seconds since 1970. */
  seconds(now: number): number {
    return this.base + this.guestSecond(now) + Math.floor(this.part(now) / SECOND);
  }

  /** Nanoseconds since the last full second. */
  subsecond(now: number): number {
    const part = this.part(now);
    return part - Math.floor(part / SECOND) * SECOND;
  }

  /** No time passes from now on. */
  hold(now: number): void {
    if (this.held) return;
    this.keep(this.base + this.guestSecond(now), this.since - this.guestPart(now));
    this.held = true;
  }

  /** Time goes on where it was held. */
  release(now: number): void {
    if (!this.held) return;
    this.held = false;
    this.keep(this.base - this.guestSecond(now), this.since + this.guestPart(now));
  }

  /** Brings the bytes of time and date up to date. */
  store(now: number, statusB: number): void {
    storeTime(calendarTime(this.seconds(now), this.calendar), this.ram, statusB, this.baseYear);
  }

  /** Sets the clock from its bytes, `phase` nanoseconds into their second; by default as far as when it was set before. */
  load(now: number, statusB: number, phase = this.phase): void {
    const second = secondsSince1970(loadTime(this.ram, statusB, this.baseYear, this.calendar));
    this.keep(second - this.guestSecond(now), this.guestPart(now));
    this.phase = phase;
  }

  /** Guest time of the second in which the alarm goes off next; Infinity if it never does. */
  nextAlarm(now: number, statusB: number): number {
    const seconds = secondsUntilAlarm(calendarTime(this.seconds(now), this.calendar), this.ram, statusB);
    return now - this.subsecond(now) + seconds * SECOND;
  }

  /** Whole seconds of guest time since the machine was started; none while the time is held. */
  protected guestSecond(now: number): number {
    return this.held ? 0 : Number(this.clock.epoch) + Math.floor(now / SECOND);
  }

  /** Nanoseconds beyond `base` and the guest's second: they may be more than a second, or less than none. */
  protected part(now: number): number {
    return this.guestPart(now) - this.since + this.phase;
  }

  private guestPart(now: number): number {
    return this.held ? 0 : now - Math.floor(now / SECOND) * SECOND;
  }

  /** Whole seconds belong to the seconds. */
  private keep(base: number, since: number): void {
    const whole = Math.floor(since / SECOND);
    this.base = base - whole;
    this.since = since - whole * SECOND;
  }
}
