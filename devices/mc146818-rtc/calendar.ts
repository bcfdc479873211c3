import { DontCare, Pm, StatusB } from './registers.ts';

/** A day of the proleptic Gregorian calendar. January is month 1. */
export interface CalendarDate {
  year: number;
  month: number;
  dayOfMonth: number;
}

const DaysPer400Years = 146_097;
/** From 1 March of the year 0 to 1 January 1970. A year that begins in March has its leap day last. */
const DaysBefore1970 = 719_468;

/**
 * Days since 1 January 1970. Fields out of range carry or borrow: the 31st of February is in March, and month 0 is the
 * December before. Months beyond 14 count as 30.6 days each, from March on.
 */
export function daysSince1970({ year, month, dayOfMonth }: CalendarDate): number {
  const fromJanuary = month < 3;
  const years = fromJanuary ? year - 1 : year;
  const monthsSinceMarch = fromJanuary ? month + 9 : month - 3;
  const daysBeforeYear = 365 * years + Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  return daysBeforeYear + Math.floor((153 * monthsSinceMarch + 2) / 5) + dayOfMonth - 1 - DaysBefore1970;
}

/** The inverse of `daysSince1970`. It writes into `date`, so that reads of time registers allocate nothing. */
export function dateOf(days: number, date: CalendarDate): CalendarDate {
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
}

/** Sunday is 1. */
export const weekdayOf = (days: number): number => ((((days + 4) % 7) + 7) % 7) + 1;

/** A number as the guest reads it: two decimal digits, or binary if status B says so. */
export function encode(value: number, statusB: number): number {
  return (statusB & StatusB.Binary ? value : (Math.floor(value / 10) << 4) | (value % 10)) & 0xff;
}

/** The number in a byte. BCD digits above 9 carry. A byte with both top bits set is -1. */
export function decode(value: number, statusB: number): number {
  if ((value & DontCare) === DontCare) return -1;
  return statusB & StatusB.Binary ? value : (value >> 4) * 10 + (value & 0x0f);
}

/**
 * In 12-hour format the hours are 12, 1, 2 ... 11, and the top bit is PM.
 *
 * @see Motorola MC146818A datasheet, "Time, Calendar, and Alarm Locations"
 */
export function encodeHours(hours: number, statusB: number): number {
  if (statusB & StatusB.TwentyFourHours) return encode(hours, statusB);
  return encode(hours % 12 || 12, statusB) | (hours >= 12 ? Pm : 0);
}

export function decodeHours(value: number, statusB: number): number {
  const hours = decode(value & ~Pm, statusB);
  if (statusB & StatusB.TwentyFourHours) return hours;
  return (hours % 12) + (value & Pm ? 12 : 0);
}
