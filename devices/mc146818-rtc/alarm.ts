import { decode, decodeHours, encode, encodeHours } from './calendar.ts';
import { DontCare, Register } from './registers.ts';

const MostUpdates = 86_401;

/**
 * An alarm byte is compared with the time byte as it is. With both top bits set it matches every value of its own
 * field.
 *
 * @see Motorola MC146818A datasheet, "Time, Calendar, and Alarm Locations": "don't care" codes are 0xc0 to 0xff
 */
const matches = (alarm: number, byte: number): boolean => (alarm & DontCare) === DontCare || alarm === byte;

/** Whether an update that ends at this time sets the alarm flag. */
export function alarmMatches(ram: Uint8Array): boolean {
  return (
    matches(ram[Register.SecondsAlarm] as number, ram[Register.Seconds] as number) &&
    matches(ram[Register.MinutesAlarm] as number, ram[Register.Minutes] as number) &&
    matches(ram[Register.HoursAlarm] as number, ram[Register.Hours] as number)
  );
}

/** Updates until the next alarm: 1 to 86401. Infinity if the alarm bytes are no time of day. */
export function updatesUntilAlarm(ram: Uint8Array, statusB: number): number {
  const minutesAlarm = ram[Register.MinutesAlarm] as number;
  const hoursAlarm = ram[Register.HoursAlarm] as number;
  let hourByte = ram[Register.Hours] as number;
  let minuteByte = ram[Register.Minutes] as number;
  let hour = decodeHours(hourByte, statusB);
  let minute = decode(minuteByte, statusB);
  let second = decode(ram[Register.Seconds] as number, statusB) + 1;
  for (let updates = 1; updates <= MostUpdates; ) {
    if (second > 59) {
      minute += Math.floor(second / 60);
      second %= 60;
      if (minute > 59) {
        hour += Math.floor(minute / 60);
        hourByte = encodeHours(hour % 24, statusB);
      }
      minute %= 60;
      minuteByte = encode(minute, statusB);
    }
    const isHour = matches(hoursAlarm, hourByte);
    if (isHour && matches(minutesAlarm, minuteByte)) {
      const found = nextSecond(ram[Register.SecondsAlarm] as number, second, statusB);
      if (found < 60) return updates + found - second;
    }
    if (!isHour && minute < 59) {
      updates += (59 - minute) * 60;
      minute = 59;
    }
    updates += 60 - second;
    second = 60;
  }
  return Number.POSITIVE_INFINITY;
}

/** The first second from `second` on that an alarm byte matches; 60 or more if the minute has none. */
function nextSecond(alarm: number, second: number, statusB: number): number {
  if ((alarm & DontCare) === DontCare) return second;
  const value = decode(alarm, statusB);
  return value >= second && encode(value, statusB) === alarm ? value : Number.POSITIVE_INFINITY;
}
