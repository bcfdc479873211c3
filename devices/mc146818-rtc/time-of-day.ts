import { MILLISECOND, SECOND, shape, state } from '../../sdk/index.ts';
import { secondsUntilAlarm } from './alarm.ts';
import { calendarTime, loadTime, newCalendarTime, secondsSince1970, storeTime } from './calendar.ts';

/** Beyond these, numbers are not exact. */
const MostNanoseconds = Number.MAX_SAFE_INTEGER;
const MostSeconds = Number.MAX_SAFE_INTEGER;

/**
 * What time it is, as whole seconds since 1970 and the nanoseconds beyond them, kept apart because their product leaves the
 * integers that a number can hold. Nothing ticks here: the time is worked out when somebody asks, from the guest's clock.
 */
export class TimeOfDay {
  /** The second at which the clock was set last, since 1970, and the nanoseconds of it that had passed then. */
  @state({ as: shape.between(-MostSeconds, MostSeconds) }) protected base: number;
  @state({ as: shape.between(-MostNanoseconds, MostNanoseconds) }) protected phase: number;
  /** The guest time of that moment. */
  @state({ as: shape.between(-MostNanoseconds, MostNanoseconds) }) protected since: number;
  @state private heldAt = Number.POSITIVE_INFINITY;
  private readonly calendar = newCalendarTime();

  constructor(
    private readonly ram: Uint8Array,
    private readonly baseYear: number,
    date: Date,
    since: number,
  ) {
    this.since = since;
    this.base = Math.floor(date.getTime() / 1000);
    this.phase = (date.getTime() - this.base * 1000) * MILLISECOND;
  }

  /** Seconds since 1970. */
  seconds(now: number): number {
    return this.base + Math.floor(this.elapsed(now) / SECOND);
  }

  /** Nanoseconds since the last full second. */
  subsecond(now: number): number {
    return this.elapsed(now) % SECOND;
  }

  /** No time passes from now on. */
  hold(now: number): void {
    this.heldAt = Math.min(this.heldAt, now);
  }

  /** Time goes on where it was held. */
  release(now: number): void {
    this.since += now - Math.min(this.heldAt, now);
    this.heldAt = Number.POSITIVE_INFINITY;
  }

  /** Brings the bytes of time and date up to date. */
  store(now: number, statusB: number): void {
    storeTime(calendarTime(this.seconds(now), this.calendar), this.ram, statusB, this.baseYear);
  }

  /** Sets the clock from its bytes, `phase` nanoseconds into their second; by default as far as when it was set before. */
  load(now: number, statusB: number, phase = this.phase): void {
    this.base = secondsSince1970(loadTime(this.ram, statusB, this.baseYear, this.calendar));
    this.since = now;
    this.phase = phase;
  }

  /** Nanoseconds since the beginning of the second `base`. */
  protected elapsed(now: number): number {
    return Math.min(now, this.heldAt) - this.since + this.phase;
  }

  /** Guest time of the second in which the alarm goes off next; Infinity if it never does. */
  nextAlarm(now: number, statusB: number): number {
    const seconds = secondsUntilAlarm(calendarTime(this.seconds(now), this.calendar), this.ram, statusB);
    return now - this.subsecond(now) + seconds * SECOND;
  }
}
