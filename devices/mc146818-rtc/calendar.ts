import { calendar } from '../../sdk/index.ts';
import { DontCare, Pm, StatusB } from './registers.ts';

/** A number as the guest reads it: two decimal digits, or binary if status B says so. */
export function encode(value: number, statusB: number): number {
  return statusB & StatusB.Binary ? value & 0xff : calendar.toBcd(value);
}

/** The number in a byte. BCD digits above 9 carry. A byte with both top bits set is -1. */
export function decode(value: number, statusB: number): number {
  if ((value & DontCare) === DontCare) return -1;
  return statusB & StatusB.Binary ? value : calendar.fromBcd(value);
}

/**
 * In 12-hour format the hours are 12, 1, 2 ... 11, and the top bit is PM.
 *
 * @see Motorola MC146818A datasheet, "Time, Calendar, and Alarm Locations"
 */
export function encodeHours(hours: number, statusB: number): number {
  if (statusB & StatusB.TwentyFourHours) return encode(hours, statusB);
  return encode(calendar.toTwelveHours(hours), statusB) | (hours >= 12 ? Pm : 0);
}

export function decodeHours(value: number, statusB: number): number {
  const hours = decode(value & ~Pm, statusB);
  return statusB & StatusB.TwentyFourHours ? hours : calendar.fromTwelveHours(hours, (value & Pm) !== 0);
}
