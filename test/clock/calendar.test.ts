import { describe, expect, it } from 'vitest';
import { calendar } from '../../sdk/clock/calendar.ts';
import { Random } from '../../sdk/testing/random.ts';

const second = (text: string): number => Date.parse(text) / 1000;

describe('the calendar of clock chips', () => {
  it('splits seconds since 1970 into fields as a calendar does, and joins them again', () => {
    const random = new Random(804);
    for (let round = 0; round < 2_000; round++) {
      const seconds = random.below(400 * 365 * 86_400) * (random.below(2) ? 1 : -1);
      const date = new Date(seconds * 1000);
      const time = calendar.timeOf(seconds);
      expect(time).toEqual({
        year: date.getUTCFullYear(),
        month: date.getUTCMonth() + 1,
        dayOfMonth: date.getUTCDate(),
        dayOfWeek: date.getUTCDay() + 1,
        hours: date.getUTCHours(),
        minutes: date.getUTCMinutes(),
        seconds: date.getUTCSeconds(),
      });
      expect(calendar.secondsSince1970(time)).toBe(seconds);
    }
  });

  it('knows leap years: 2000 and 2024 have a 29th of February, 1900 and 2100 have none', () => {
    const dayAfter = (text: string) => calendar.timeOf(second(text) + 86_400);
    expect(dayAfter('2000-02-28T00:00:00Z')).toMatchObject({ month: 2, dayOfMonth: 29 });
    expect(dayAfter('2024-02-28T00:00:00Z')).toMatchObject({ month: 2, dayOfMonth: 29 });
    expect(dayAfter('1900-02-28T00:00:00Z')).toMatchObject({ month: 3, dayOfMonth: 1 });
    expect(dayAfter('2100-02-28T00:00:00Z')).toMatchObject({ month: 3, dayOfMonth: 1 });
  });

  it('carries fields out of range, as a guest may write them', () => {
    const time = { year: 2026, month: 2, dayOfMonth: 31, hours: 23, minutes: 59, seconds: 61 };
    expect(calendar.timeOf(calendar.secondsSince1970(time))).toMatchObject({ month: 3, dayOfMonth: 4, seconds: 1 });
  });

  it('writes into the object that it is given', () => {
    const time = calendar.timeOf(0);
    expect(calendar.timeOf(86_400, time)).toBe(time);
    expect(time).toMatchObject({ year: 1970, month: 1, dayOfMonth: 2, dayOfWeek: 6 });
  });

  it('has decimal digits in a byte, whose digits above 9 carry', () => {
    for (let value = 0; value < 100; value++) expect(calendar.fromBcd(calendar.toBcd(value))).toBe(value);
    expect(calendar.toBcd(59)).toBe(0x59);
    expect(calendar.fromBcd(0x1a)).toBe(20);
  });

  it('has hours of a dial of twelve: midnight and noon are 12', () => {
    expect([0, 1, 11, 12, 13, 23].map(calendar.toTwelveHours)).toEqual([12, 1, 11, 12, 1, 11]);
    for (let hours = 0; hours < 24; hours++)
      expect(calendar.fromTwelveHours(calendar.toTwelveHours(hours), hours >= 12)).toBe(hours);
  });
});
