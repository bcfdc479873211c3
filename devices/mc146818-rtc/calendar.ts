import { DontCare, Pm, Register, StatusB } from './registers.ts';

/** A point of the proleptic Gregorian calendar, as people write it: January is 1, Sunday is 1. */
export interface CalendarTime {
  year: number;
  month: number;
  dayOfMonth: number;
  dayOfWeek: number;
  hours: number;
  minutes: number;
  seconds: number;
}

const SecondsPerDay = 86_400;
const DaysPer400Years = 146_097;
/** From 1 March of the year 0, where leap days fall on a year's last day, to 1 January 1970. */
const DaysBefore1970 = 719_468;

/**
 * Seconds since 1970. Fields out of range count on or back: the 31st of February is in March, month 0 is December of the
 * year before; months beyond 14 count as 30.6 days each, from March on. Leap years are counted from the year 0 in both
 * directions, which no calendar does before it.
 */
export function secondsSince1970(time: CalendarTime): number {
  const fromJanuary = time.month < 3;
  const year = fromJanuary ? time.year - 1 : time.year;
  const monthsSinceMarch = fromJanuary ? time.month + 9 : time.month - 3;
  const daysBeforeYear = 365 * year + Math.trunc(year / 4) - Math.trunc(year / 100) + Math.trunc(year / 400);
  const daysBeforeMonth = Math.floor((153 * monthsSinceMarch + 2) / 5);
  const days = daysBeforeYear + daysBeforeMonth + time.dayOfMonth - 1 - DaysBefore1970;
  return days * SecondsPerDay + time.hours * 3600 + time.minutes * 60 + time.seconds;
}

/** The inverse of `secondsSince1970`, written into `time`: reads of time registers allocate nothing. */
export function calendarTime(seconds: number, time: CalendarTime): CalendarTime {
  const days = Math.floor(seconds / SecondsPerDay);
  const ofDay = seconds - days * SecondsPerDay;
  const sinceMarchOfYear0 = days + DaysBefore1970;
  const cycle = Math.floor(sinceMarchOfYear0 / DaysPer400Years);
  const ofCycle = sinceMarchOfYear0 - cycle * DaysPer400Years;
  const leapDays = Math.floor(ofCycle / 1460) - Math.floor(ofCycle / 36_524) + Math.floor(ofCycle / 146_096);
  const yearOfCycle = Math.floor((ofCycle - leapDays) / 365);
  const ofYear = ofCycle - (365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100));
  const monthsSinceMarch = Math.floor((5 * ofYear + 2) / 153);
  time.month = monthsSinceMarch < 10 ? monthsSinceMarch + 3 : monthsSinceMarch - 9;
  time.year = cycle * 400 + yearOfCycle + (time.month < 3 ? 1 : 0);
  time.dayOfMonth = ofYear - Math.floor((153 * monthsSinceMarch + 2) / 5) + 1;
  time.dayOfWeek = ((((days + 4) % 7) + 7) % 7) + 1;
  time.hours = Math.floor(ofDay / 3600);
  time.minutes = Math.floor((ofDay % 3600) / 60);
  time.seconds = ofDay % 60;
  return time;
}

/** A number as the guest reads it: two decimal digits, or binary if status B says so. */
export function encode(value: number, statusB: number): number {
  return (statusB & StatusB.Binary ? value : (Math.floor(value / 10) << 4) | (value % 10)) & 0xff;
}

/** The number that a byte stands for. Digits above 9 count on; a byte with both top bits set is -1. */
export function decode(value: number, statusB: number): number {
  if ((value & DontCare) === DontCare) return -1;
  return statusB & StatusB.Binary ? value : (value >> 4) * 10 + (value & 0x0f);
}

/** In 12-hour format the hours go 12, 1, 2 ... 11, and the top bit says PM. */
export function encodeHours(hours: number, statusB: number): number {
  if (statusB & StatusB.TwentyFourHours) return encode(hours, statusB);
  return encode(hours % 12 || 12, statusB) | (hours >= 12 ? Pm : 0);
}

export function decodeHours(value: number, statusB: number): number {
  const hours = decode(value & ~Pm, statusB);
  if (statusB & StatusB.TwentyFourHours) return hours;
  return (hours % 12) + (value & Pm ? 12 : 0);
}

/** Writes a time into the ten bytes that hold it, in the format of status B. Years count from `baseYear`. */
export function storeTime(time: CalendarTime, ram: Uint8Array, statusB: number, baseYear: number): void {
  const years = time.year - baseYear;
  const century = Math.floor(years / 100);
  ram[Register.Seconds] = encode(time.seconds, statusB);
  ram[Register.Minutes] = encode(time.minutes, statusB);
  ram[Register.Hours] = encodeHours(time.hours, statusB);
  ram[Register.DayOfWeek] = encode(time.dayOfWeek, statusB);
  ram[Register.DayOfMonth] = encode(time.dayOfMonth, statusB);
  ram[Register.Month] = encode(time.month, statusB);
  ram[Register.Year] = encode(years - century * 100, statusB);
  ram[Register.Century] = encode(century, statusB);
}

/** Reads a time from the bytes that hold it. The day of the week says nothing new and is not looked at. */
export function loadTime(ram: Uint8Array, statusB: number, baseYear: number, time: CalendarTime): CalendarTime {
  const byte = (register: number): number => decode(ram[register] as number, statusB);
  time.seconds = byte(Register.Seconds);
  time.minutes = byte(Register.Minutes);
  time.hours = decodeHours(ram[Register.Hours] as number, statusB);
  time.dayOfMonth = byte(Register.DayOfMonth);
  time.month = byte(Register.Month);
  time.year = byte(Register.Century) * 100 + byte(Register.Year) + baseYear;
  return time;
}

/** True for the bytes that the clock itself keeps, the alarm's three not among them. */
export function isTimeRegister(register: number): boolean {
  if (register === Register.Century) return true;
  if (register > Register.Year) return false;
  return register >= Register.DayOfWeek || (register & 1) === 0;
}

/** True for the three bytes that say when the alarm goes off. */
export function isAlarmRegister(register: number): boolean {
  return register === Register.SecondsAlarm || register === Register.MinutesAlarm || register === Register.HoursAlarm;
}

/** A fresh, meaningless time to be written into. */
export function newCalendarTime(): CalendarTime {
  return { year: 0, month: 0, dayOfMonth: 0, dayOfWeek: 0, hours: 0, minutes: 0, seconds: 0 };
}
