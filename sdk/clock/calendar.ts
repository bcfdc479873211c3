/** A second of the proleptic Gregorian calendar. */
export interface CalendarTime {
  year: number;
  /** January is 1. */
  month: number;
  dayOfMonth: number;
  /** Sunday is 1. */
  dayOfWeek: number;
  /** 0 to 23. */
  hours: number;
  minutes: number;
  seconds: number;
}

const SecondsPerDay = 86_400;
const DaysPer400Years = 146_097;
/** From 1 March of the year 0 to 1 January 1970. A year that begins in March has its leap day last. */
const DaysBefore1970 = 719_468;

const blank = (): CalendarTime => ({
  year: 0,
  month: 0,
  dayOfMonth: 0,
  dayOfWeek: 0,
  hours: 0,
  minutes: 0,
  seconds: 0,
});

/** What clock chips need of the calendar: seconds since 1970 as fields and back, decimal digits, and twelve hours. */
export const calendar = Object.freeze({
  /**
   * Days since 1 January 1970. Fields out of range carry or borrow: the 31st of February is in March, and month 0 is the
   * December before. Months beyond 14 count as 30.6 days each, from March on.
   */
  daysSince1970({ year, month, dayOfMonth }: Pick<CalendarTime, 'year' | 'month' | 'dayOfMonth'>): number {
    const fromJanuary = month < 3;
    const years = fromJanuary ? year - 1 : year;
    const monthsSinceMarch = fromJanuary ? month + 9 : month - 3;
    const daysBeforeYear = 365 * years + Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
    return daysBeforeYear + Math.floor((153 * monthsSinceMarch + 2) / 5) + dayOfMonth - 1 - DaysBefore1970;
  },

  /** The inverse of `daysSince1970`. It writes into `date` and answers it, so that reads of a clock allocate nothing. */
  dateOf<D extends Pick<CalendarTime, 'year' | 'month' | 'dayOfMonth'>>(days: number, date: D): D {
    const sinceMarchOfYear0 = days + DaysBefore1970;
    const cycle = Math.floor(sinceMarchOfYear0 / DaysPer400Years);
    const ofCycle = sinceMarchOfYear0 - cycle * DaysPer400Years;
    const leapDays = Math.floor(ofCycle / 1460) - Math.floor(ofCycle / 36_524) + Math.floor(ofCycle / 146_096);
    const yearOfCycle = Math.floor((ofCycle - leapDays) / 365);
    const ofYear = ofCycle - (365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100));
    const monthsSinceMarch = Math.floor((5 * ofYear + 2) / 153);
    date.month = monthsSinceMarch < 10 ? monthsSinceMarch + 3 : monthsSinceMarch - 9;
    date.year = cycle * 400 + yearOfCycle + (date.month < 3 ? 1 : 0);
    date.dayOfMonth = ofYear - Math.floor((153 * monthsSinceMarch + 2) / 5) + 1;
    return date;
  },

  /** The day of the week of a day since 1970: Sunday is 1. */
  weekdayOf(days: number): number {
    return ((((days + 4) % 7) + 7) % 7) + 1;
  },

  /** Date and time of day of a second since 1970. It writes into `time`, if that is given, and answers it. */
  timeOf(seconds: number, time: CalendarTime = blank()): CalendarTime {
    const days = Math.floor(seconds / SecondsPerDay);
    const ofDay = Math.floor(seconds) - days * SecondsPerDay;
    time.dayOfWeek = calendar.weekdayOf(days);
    time.hours = Math.floor(ofDay / 3600);
    time.minutes = Math.floor(ofDay / 60) % 60;
    time.seconds = ofDay % 60;
    return calendar.dateOf(days, time);
  },

  /** Seconds since 1970. Fields out of range carry or borrow; the day of the week says nothing about them. */
  secondsSince1970(time: Omit<CalendarTime, 'dayOfWeek'>): number {
    return calendar.daysSince1970(time) * SecondsPerDay + time.hours * 3600 + time.minutes * 60 + time.seconds;
  },

  /** Two decimal digits in a byte, as clock chips have them. Only the last two digits of a number fit. */
  toBcd(value: number): number {
    return ((Math.floor(value / 10) % 10) << 4) | (value % 10);
  },

  /** The number in a byte of two decimal digits. Digits above 9 carry: 0x1a is 20. */
  fromBcd(byte: number): number {
    return ((byte >> 4) & 0x0f) * 10 + (byte & 0x0f);
  },

  /** The hour on a dial of twelve: 12, 1, 2 ... 11, twice a day. Hours from 12 on are PM. */
  toTwelveHours(hours: number): number {
    return hours % 12 || 12;
  },

  /** Hours from 0 to 23 of an hour on a dial of twelve. */
  fromTwelveHours(hour: number, isPm: boolean): number {
    return (hour % 12) + (isPm ? 12 : 0);
  },
});
