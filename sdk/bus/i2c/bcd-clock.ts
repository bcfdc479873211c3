import { type CalendarTime, type Counter, calendar, type VirtualClock } from '../../clock/index.ts';
import { DevicePart } from '../../device/part.ts';
import { state } from '../../state/schema.ts';
import { shape } from '../../state/shapes.ts';

/** Where each byte is. The order is that of nearly all clock chips on I2C. */
const Byte = { Seconds: 0, Minutes: 1, Hours: 2, Weekday: 3, Date: 4, Month: 5, Year: 6, Count: 7 } as const;
/** In the hours: the dial has twelve, and it is afternoon. */
const [TwelveHours, Pm] = [0x40, 0x20];
/** Bits of a byte that are no digits, such as a halt bit in the seconds. */
const Digits = [0x7f, 0x7f, 0x3f, 0x07, 0x3f, 0x1f, 0xff] as const;
const Century = 2000;
const Days = 7;
/** Years enough for each date that an option can have. */
const WidthOfSeconds = 40;

/**
 * The time of a clock chip as seven bytes of two decimal digits: seconds, minutes, hours, weekday, date, month, year. No timer
 * runs for it. The weekday counts from whatever was written, as chips do. The battery keeps it: `@state({ atReset: 'kept' })`.
 *
 * @see Maxim DS1307 datasheet, "Clock and Calendar", table 2
 */
export class BcdClock extends DevicePart {
  /** How many bytes it has. */
  static readonly bytes = Byte.Count;
  /** Seconds since 1970 when the counter was at 0. */
  @state({ as: shape.integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) }) private base: number;
  /** By how many days the chip's weekday is ahead of the calendar's. */
  @state({ as: shape.integer(0, Days - 1) }) private daysAhead = 0;
  private readonly counter: Counter;
  /** For the moment of a call. */
  readonly #time: CalendarTime = calendar.timeOf(0);

  constructor(clock: VirtualClock, date: Date, name = 'time of day') {
    super();
    this.base = Math.floor(date.getTime() / 1000);
    this.counter = clock.counter(name, { frequency: 1, width: WidthOfSeconds, atReset: 'kept' });
    this.counter.start();
  }

  /** Whether the oscillator runs. While it does not, time stands still. */
  set running(runs: boolean) {
    if (runs) this.counter.start();
    else this.counter.stop();
  }

  /** Puts the present time into the bytes. Their other bits stay, and the hours are as the twelve-hour bit of their byte says. */
  show(bytes: Uint8Array): void {
    const time = this.#time;
    calendar.timeOf(this.base + this.counter.value, time);
    const isTwelve = ((bytes[Byte.Hours] as number) & TwelveHours) !== 0;
    put(bytes, Byte.Seconds, time.seconds);
    put(bytes, Byte.Minutes, time.minutes);
    put(bytes, Byte.Hours, isTwelve ? calendar.toTwelveHours(time.hours) : time.hours);
    if (isTwelve) bytes[Byte.Hours] = ((bytes[Byte.Hours] as number) & ~Pm) | (time.hours >= 12 ? Pm : 0);
    put(bytes, Byte.Weekday, this.weekdayOf(time));
    put(bytes, Byte.Date, time.dayOfMonth);
    put(bytes, Byte.Month, time.month);
    put(bytes, Byte.Year, time.year % 100);
  }

  /** Takes the time from the bytes, of which this one was written. Writing the seconds begins a new second. */
  set(bytes: Uint8Array, written: number): void {
    const hours = bytes[Byte.Hours] as number;
    const isTwelve = (hours & TwelveHours) !== 0;
    const time = this.#time;
    time.seconds = digits(bytes, Byte.Seconds);
    time.minutes = digits(bytes, Byte.Minutes);
    time.hours = isTwelve
      ? calendar.fromTwelveHours(calendar.fromBcd(hours & 0x1f), (hours & Pm) !== 0)
      : digits(bytes, Byte.Hours);
    time.dayOfMonth = digits(bytes, Byte.Date);
    time.month = digits(bytes, Byte.Month);
    time.year = Century + digits(bytes, Byte.Year);
    const weekday = digits(bytes, Byte.Weekday);
    if (written === Byte.Seconds) this.counter.load(0);
    const seconds = calendar.secondsSince1970(time);
    this.base = seconds - this.counter.value;
    this.daysAhead = (weekday + Days - calendar.timeOf(seconds, time).dayOfWeek) % Days;
  }

  private weekdayOf({ dayOfWeek }: CalendarTime): number {
    return ((dayOfWeek - 1 + this.daysAhead) % Days) + 1;
  }
}

function put(bytes: Uint8Array, at: number, value: number): void {
  const mask = at === Byte.Hours && ((bytes[at] as number) & TwelveHours) !== 0 ? 0x1f : (Digits[at] as number);
  bytes[at] = ((bytes[at] as number) & ~mask) | calendar.toBcd(value);
}

const digits = (bytes: Uint8Array, at: number): number =>
  calendar.fromBcd((bytes[at] as number) & (Digits[at] as number));
