import { Mc146818Rtc } from '../../devices/mc146818-rtc.ts';
import { type TestBench, type TestBenchOptions, testBench } from '../../sdk/testing/index.ts';

/** Registers as the datasheet numbers them, written out here once more: the tests must not believe the device's table. */
export const Rtc = {
  seconds: 0x00,
  secondsAlarm: 0x01,
  minutes: 0x02,
  minutesAlarm: 0x03,
  hours: 0x04,
  hoursAlarm: 0x05,
  weekday: 0x06,
  day: 0x07,
  month: 0x08,
  year: 0x09,
  a: 0x0a,
  b: 0x0b,
  c: 0x0c,
  d: 0x0d,
  shutdown: 0x0f,
  century: 0x32,
  ps2Century: 0x37,
} as const;

const NoHour = 0x77;

export type RtcBench = TestBench<Mc146818Rtc>;

/** An RTC of a PC, at 29 February 2024, 23:59:58, and no alarm until a test sets one. */
export function rtcBench(setup: TestBenchOptions<typeof Mc146818Rtc> = {}): RtcBench {
  const options = { baseYear: 2000, date: new Date('2024-02-29T23:59:58Z'), ...setup.options };
  const bench = testBench(Mc146818Rtc, { ...setup, options });
  bench.out16((options as { iobase?: number }).iobase ?? 0x70, (NoHour << 8) | Rtc.hoursAlarm);
  return bench;
}

export function readRtc(bench: RtcBench, register: number): number {
  bench.out8(0x70, register);
  return bench.in8(0x71);
}

export function writeRtc(bench: RtcBench, register: number, value: number): void {
  bench.out8(0x70, register);
  bench.out8(0x71, value);
}

/** Century, year, month, day, weekday, hours, minutes, seconds: as hexadecimal digits, which BCD makes readable. */
export function readTime(bench: RtcBench): string {
  const { century, year, month, day, weekday, hours, minutes, seconds } = Rtc;
  const bytes = [century, year, month, day, weekday, hours, minutes, seconds].map((register) =>
    readRtc(bench, register),
  );
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
