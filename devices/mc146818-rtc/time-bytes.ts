import { calendar } from '../../sdk/index.ts';
import { decode, decodeHours, encode, encodeHours } from './calendar.ts';
import { Register, StatusB } from './registers.ts';

const SecondsPerDay = 86_400;
/** Dates and days of the week repeat after 400 years. As many hours are skipped as repeated in them. */
const YearsOfPeriod = 400;
const UpdatesOfPeriod = 146_097 * SecondsPerDay;
/** The century register has two digits. */
const YearsCounted = 10_000;
/** 1:59:59 AM. */
const LastOfHourOne = 7_199;
const Spring = { month: 4, firstDay: 24, to: 3 } as const;
const Autumn = { month: 10, firstDay: 25, to: 1 } as const;
const Sunday = 1;
/** Scratch values, so that a read of the time allocates nothing. */
const today = calendar.timeOf(0);
const later = calendar.timeOf(0);
/** A byte that is no number. */
const Unset = 0xff;

/**
 * The bytes of time and date as counters that carry: seconds, minutes, hours, then the day of the week and the date.
 *
 * A written byte stays as it is until a carry reaches it, in any format. An illegal date becomes a legal one when its
 * day is counted, and so do minutes and hours. That is our choice, since the datasheet describes legal bytes only. The
 * century counts too, as in QEMU; the chip has no century.
 *
 * @see Motorola MC146818A datasheet, "Time, Calendar, and Alarm Locations", and "DSE" of Register B
 * @see QEMU 7.2, hw/rtc/mc146818rtc.c, rtc_set_cmos: the century is a byte of the time
 */
export class TimeBytes {
  constructor(
    readonly ram: Uint8Array,
    private readonly baseYear: number,
  ) {}

  /** Sets all bytes from seconds since 1970. */
  set(seconds: number, statusB: number): void {
    const time = calendar.timeOf(seconds);
    this.put(Register.Seconds, time.seconds, statusB);
    this.put(Register.Minutes, time.minutes, statusB);
    this.ram[Register.Hours] = encodeHours(time.hours, statusB);
    this.put(Register.DayOfWeek, time.dayOfWeek, statusB);
    this.put(Register.DayOfMonth, time.dayOfMonth, statusB);
    this.put(Register.Month, time.month, statusB);
    this.ram[Register.Century] = Unset;
    this.putYear(time.year, statusB);
  }

  /** The time in the bytes, in seconds since 1970. */
  seconds(statusB: number): number {
    return calendar.daysSince1970(this.readDate(statusB)) * SecondsPerDay + this.secondOfDay(statusB);
  }

  /**
   * Performs several updates at once. With daylight saving two updates a year are special, and one of them repeats an
   * hour: `repeated` says that this has happened. Returns whether it has happened now. Whole periods of 400 years are
   * skipped, but for the first, which makes all bytes legal.
   */
  count(updates: number, statusB: number, repeated: boolean): boolean {
    if ((statusB & StatusB.DaylightSaving) === 0 || updates < 2 * UpdatesOfPeriod)
      return this.countEach(updates, statusB, repeated);
    const periods = Math.floor(updates / UpdatesOfPeriod) - 1;
    const isRepeated = this.countEach(updates - periods * UpdatesOfPeriod, statusB, repeated);
    this.putYear(this.readDate(statusB).year + (periods % (YearsCounted / YearsOfPeriod)) * YearsOfPeriod, statusB);
    return isRepeated;
  }

  private countEach(updates: number, statusB: number, repeated: boolean): boolean {
    let isRepeated = repeated;
    for (let left = updates; left > 0; ) {
      const special =
        statusB & StatusB.DaylightSaving ? this.untilSpecial(left, statusB, isRepeated) : Number.POSITIVE_INFINITY;
      const steps = Math.min(left, special);
      const days = this.carry(steps, statusB);
      if (days > 0) isRepeated = false;
      if (special <= left) isRepeated = this.changeHour(statusB);
      left -= steps;
    }
    return isRepeated;
  }

  /** The number of the next special update, if it is one of the next `most`; Infinity otherwise. */
  untilSpecial(most: number, statusB: number, repeated: boolean): number {
    const ofDay = this.secondOfDay(statusB);
    const days1970 = calendar.daysSince1970(this.readDate(statusB));
    const weekday = this.get(Register.DayOfWeek, statusB);
    for (let days = 0; days * SecondsPerDay < ofDay + most; ) {
      const date = days === 0 ? today : calendar.dateOf(days1970 + days, later);
      const isSpring = date.month === Spring.month && date.dayOfMonth >= Spring.firstDay;
      const isAutumn = date.month === Autumn.month && date.dayOfMonth >= Autumn.firstDay && !(repeated && days === 0);
      const update = days * SecondsPerDay + LastOfHourOne + 1 - ofDay;
      const isSunday = (weekday + days) % 7 === Sunday;
      if ((isSpring || isAutumn) && isSunday && update > 0) return update <= most ? update : Number.POSITIVE_INFINITY;
      days = days === 0 || isSpring || isAutumn ? days + 1 : toFirstDay(date) - days1970;
    }
    return Number.POSITIVE_INFINITY;
  }

  /**
   * 2 AM becomes 3 AM in spring and 1 AM in autumn. Returns whether an hour is repeated.
   *
   * @see Motorola MC146818A datasheet, "DSE" of Register B
   */
  private changeHour(statusB: number): boolean {
    const isAutumn = this.get(Register.Month, statusB) === Autumn.month;
    this.ram[Register.Hours] = encodeHours(isAutumn ? Autumn.to : Spring.to, statusB);
    return isAutumn;
  }

  /** Counts seconds and their carries. Returns the days counted. */
  private carry(updates: number, statusB: number): number {
    const seconds = this.get(Register.Seconds, statusB) + updates;
    this.put(Register.Seconds, seconds % 60, statusB);
    if (seconds < 60) return 0;
    const minutes = this.get(Register.Minutes, statusB) + Math.floor(seconds / 60);
    this.put(Register.Minutes, minutes % 60, statusB);
    if (minutes < 60) return 0;
    const hours = decodeHours(this.ram[Register.Hours] as number, statusB) + Math.floor(minutes / 60);
    this.ram[Register.Hours] = encodeHours(hours % 24, statusB);
    if (hours < 24) return 0;
    const days = Math.floor(hours / 24);
    this.countDays(1, statusB);
    if (days > 1) this.countDays(days - 1, statusB);
    return days;
  }

  /** The first day of several is counted alone, since it makes the date legal. */
  private countDays(days: number, statusB: number): void {
    const weekday = this.get(Register.DayOfWeek, statusB) - 1 + days;
    this.put(Register.DayOfWeek, (((weekday % 7) + 7) % 7) + 1, statusB);
    const { year, month } = this.readDate(statusB);
    const next = calendar.dateOf(calendar.daysSince1970(today) + days, later);
    this.put(Register.DayOfMonth, next.dayOfMonth, statusB);
    if (next.month !== month || next.year !== year) this.put(Register.Month, next.month, statusB);
    if (next.year !== year) this.putYear(next.year, statusB);
  }

  private putYear(year: number, statusB: number): void {
    const years = (((year - this.baseYear) % YearsCounted) + YearsCounted) % YearsCounted;
    const century = Math.floor(years / 100);
    this.put(Register.Year, years % 100, statusB);
    if (this.get(Register.Century, statusB) !== century) this.put(Register.Century, century, statusB);
  }

  private readDate(statusB: number): typeof today {
    const centuries = this.get(Register.Century, statusB);
    today.year = centuries * 100 + this.get(Register.Year, statusB) + this.baseYear;
    today.month = this.get(Register.Month, statusB);
    today.dayOfMonth = this.get(Register.DayOfMonth, statusB);
    return today;
  }

  private secondOfDay(statusB: number): number {
    const hours = decodeHours(this.ram[Register.Hours] as number, statusB);
    return hours * 3600 + this.get(Register.Minutes, statusB) * 60 + this.get(Register.Seconds, statusB);
  }

  private get(register: number, statusB: number): number {
    return decode(this.ram[register] as number, statusB);
  }

  private put(register: number, value: number, statusB: number): void {
    this.ram[register] = encode(value, statusB);
  }
}

/** The first day of the next week with a change of the hour, in days since 1970. `date` is in neither week. */
function toFirstDay(date: typeof later): number {
  const isBefore = (week: typeof Spring | typeof Autumn) =>
    date.month < week.month || (date.month === week.month && date.dayOfMonth < week.firstDay);
  const { month, firstDay } = isBefore(Spring) || !isBefore(Autumn) ? Spring : Autumn;
  date.year += isBefore(Spring) || isBefore(Autumn) ? 0 : 1;
  date.month = month;
  date.dayOfMonth = firstDay;
  return calendar.daysSince1970(date);
}
