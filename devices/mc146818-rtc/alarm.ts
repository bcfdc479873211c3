import { type CalendarTime, decode, decodeHours } from './calendar.ts';
import { DontCare, Register } from './registers.ts';

/** Matches every hour, minute or second. */
const Any = -1;

/**
 * How many seconds from `time` the alarm next goes off: 1 to 86400, always later than `time`; Infinity if its bytes name
 * no time of day. Each byte with both top bits set matches anything, for itself alone.
 */
export function secondsUntilAlarm(time: CalendarTime, ram: Uint8Array, statusB: number): number {
  const field = (register: number): number => decode(ram[register] as number, statusB);
  const seconds = field(Register.SecondsAlarm);
  const minutes = field(Register.MinutesAlarm);
  const hoursByte = ram[Register.HoursAlarm] as number;
  const hours = (hoursByte & DontCare) === DontCare ? Any : decodeHours(hoursByte, statusB);
  if (seconds > 59 || minutes > 59 || hours > 23) return Number.POSITIVE_INFINITY;

  const present = time.hours * 3600 + time.minutes * 60 + time.seconds;
  for (let hour = 0; hour <= 24; hour++) {
    if (hours !== Any && (time.hours + hour) % 24 !== hours) continue;
    for (let minute = hour === 0 ? time.minutes : 0; minute < 60; minute++) {
      if (minutes !== Any && minute !== minutes) continue;
      const startOfMinute = (time.hours + hour) * 3600 + minute * 60;
      const earliest = Math.max(0, present + 1 - startOfMinute);
      const second = seconds === Any ? earliest : seconds;
      if (second >= earliest && second < 60) return startOfMinute + second - present;
    }
  }
  return Number.POSITIVE_INFINITY;
}
