import { describe, expect, it } from 'vitest';
import { SECOND } from '../../sdk/index.ts';
import { Rtc, type RtcBench, readRtc, readTime, rtcBench, writeRtc } from './rtc-guest.ts';

const Announced = 244_000 + 1_984_000; // ns
const UpdateInProgress = 0x80;

/** Without edges at the periodic rate. */
function quietBench(): RtcBench {
  const bench = rtcBench();
  writeRtc(bench, Rtc.a, 0x20);
  return bench;
}

/** The same time of day in another format: its bytes mean what status B says. */
function quietBenchIn(b: number, ...time: readonly number[]): RtcBench {
  const bench = quietBench();
  writeRtc(bench, Rtc.b, b | 0x80);
  for (const [index, register] of [Rtc.hours, Rtc.minutes, Rtc.seconds].entries())
    writeRtc(bench, register, time[index] as number);
  writeRtc(bench, Rtc.b, b);
  return bench;
}

const inProgress = (bench: RtcBench): boolean => (readRtc(bench, Rtc.a) & UpdateInProgress) !== 0;

describe('the update-in-progress bit', () => {
  it('is there 244 us before an update begins and the 1984 us that it takes, at the crystal of a PC', () => {
    const bench = rtcBench();
    bench.clock.advance(1 * SECOND - Announced - 1);
    expect(inProgress(bench)).toBe(false);
    bench.clock.advance(1);
    expect(inProgress(bench)).toBe(true);
    bench.clock.advance(Announced - 1);
    expect(inProgress(bench)).toBe(true);
    expect([readRtc(bench, Rtc.seconds), readRtc(bench, Rtc.c) & 0x10]).toEqual([0x58, 0]);
    bench.clock.advance(1);
    expect(inProgress(bench)).toBe(false);
    expect([readRtc(bench, Rtc.seconds), readRtc(bench, Rtc.c) & 0x10]).toEqual([0x59, 0x10]);
  });

  it('stays until the update when the guest sets the seconds meanwhile, which the update counts on', () => {
    const bench = rtcBench();
    bench.clock.advance(1 * SECOND - Announced);
    expect(inProgress(bench)).toBe(true);
    writeRtc(bench, Rtc.seconds, 0x30);
    expect(inProgress(bench)).toBe(true);
    bench.clock.advance(Announced);
    expect(inProgress(bench)).toBe(false);
    expect(readRtc(bench, Rtc.seconds)).toBe(0x31);
  });

  it('comes every second while nobody clears the update flag', () => {
    const bench = rtcBench();
    bench.clock.advance(7 * SECOND - Announced);
    expect(bench.device.statusC).toBe(0x10);
    expect(inProgress(bench)).toBe(true);
    bench.clock.advance(Announced);
    expect(inProgress(bench)).toBe(false);
  });

  it('is never there while the clock is being set or its divider stands', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, 0x82);
    bench.clock.advance(1 * SECOND - Announced);
    expect(inProgress(bench)).toBe(false);
    writeRtc(bench, Rtc.b, 0x02);
    expect(inProgress(bench)).toBe(true);
    writeRtc(bench, Rtc.a, 0x66);
    expect(inProgress(bench)).toBe(false);
  });

  it('goes away when SET stops the clock', () => {
    const bench = rtcBench();
    bench.clock.advance(1 * SECOND - 1);
    expect(inProgress(bench)).toBe(true);
    writeRtc(bench, Rtc.b, 0x82);
    expect(readRtc(bench, Rtc.a)).toBe(0x26);
  });

  it('cannot be written', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.a, 0xa6);
    expect(readRtc(bench, Rtc.a)).toBe(0x26);
  });
});

describe('the update interrupt', () => {
  it('comes with each new second once it is enabled, and goes when status C is read', () => {
    const bench = quietBench();
    writeRtc(bench, Rtc.b, 0x12);
    bench.clock.advance(1 * SECOND);
    expect(bench.interrupts.irq.changes).toEqual([{ level: true, at: 1 * SECOND }]);
    expect(readRtc(bench, Rtc.c)).toBe(0x90);
    expect(bench.interrupts.irq.level).toBe(false);
    expect(readRtc(bench, Rtc.c)).toBe(0x00);
    bench.clock.advance(1 * SECOND);
    expect(bench.interrupts.irq.rises).toBe(2);
  });

  it('comes at once when it is enabled after the update, and goes when it is disabled', () => {
    const bench = quietBench();
    bench.clock.advance(1 * SECOND);
    expect(bench.interrupts.irq.level).toBe(false);
    writeRtc(bench, Rtc.b, 0x12);
    expect(bench.interrupts.irq.level).toBe(true);
    writeRtc(bench, Rtc.b, 0x02);
    expect(bench.interrupts.irq.level).toBe(false);
    expect(readRtc(bench, Rtc.c)).toBe(0x10);
  });

  it('is one interrupt, however many seconds pass before status C is read', () => {
    const bench = quietBench();
    writeRtc(bench, Rtc.b, 0x12);
    bench.clock.advance(100 * SECOND);
    expect(bench.interrupts.irq.rises).toBe(1);
    expect(readRtc(bench, Rtc.c)).toBe(0x90);
    expect(readTime(bench)).toBe('20 24 03 01 06 00 01 38');
  });

  it('costs no timer while the flag is up and no alarm can come', () => {
    const bench = quietBench();
    writeRtc(bench, Rtc.hoursAlarm, 0x77);
    bench.clock.advance(1 * SECOND);
    expect(bench.clock.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    readRtc(bench, Rtc.c);
    expect(bench.clock.nextDeadline()).toBe(2 * SECOND);
  });

  it('does not come while the divider is held', () => {
    const bench = quietBench();
    writeRtc(bench, Rtc.b, 0x12);
    writeRtc(bench, Rtc.a, 0x66);
    bench.clock.advance(5 * SECOND);
    expect(bench.interrupts.irq.changes).toEqual([]);
  });
});

/** Sets the alarm and enables it; answers after how many seconds it came. */
function alarmAfter(bench: RtcBench, hours: number, minutes: number, seconds: number, b = 0x22): number {
  writeRtc(bench, Rtc.b, b);
  writeRtc(bench, Rtc.hoursAlarm, hours);
  writeRtc(bench, Rtc.minutesAlarm, minutes);
  writeRtc(bench, Rtc.secondsAlarm, seconds);
  const start = bench.clock.now;
  bench.clock.advance(3 * 86_400 * SECOND);
  const rise = bench.interrupts.irq.changes.find(({ level, at }) => level && at > start);
  return rise === undefined ? Number.POSITIVE_INFINITY : (rise.at - start) / SECOND;
}

describe('the alarm', () => {
  it.each([
    // The clock says 23:59:58.
    { what: 'a time today', hours: 0x23, minutes: 0x59, seconds: 0x59, after: 1 },
    { what: 'midnight', hours: 0x00, minutes: 0x00, seconds: 0x00, after: 2 },
    { what: 'a time tomorrow', hours: 0x01, minutes: 0x02, seconds: 0x03, after: 3725 },
    { what: 'this very time, tomorrow', hours: 0x23, minutes: 0x59, seconds: 0x58, after: 86_400 },
    { what: 'any hour', hours: 0xff, minutes: 0x10, seconds: 0x05, after: 607 },
    { what: 'any hour and minute', hours: 0xc0, minutes: 0xc0, seconds: 0x57, after: 59 },
    { what: 'any second', hours: 0xc0, minutes: 0xc0, seconds: 0xc0, after: 1 },
    { what: 'any second of a minute', hours: 0x00, minutes: 0x01, seconds: 0xe5, after: 62 },
    { what: 'any second of this minute', hours: 0x23, minutes: 0x59, seconds: 0xff, after: 1 },
    { what: 'any minute of an hour', hours: 0x02, minutes: 0xff, seconds: 0x30, after: 7232 },
    { what: 'a second that no minute has', hours: 0xff, minutes: 0xff, seconds: 0x60, after: Number.POSITIVE_INFINITY },
    { what: 'an hour that no day has', hours: 0x24, minutes: 0xff, seconds: 0xff, after: Number.POSITIVE_INFINITY },
  ])('at $what comes after $after s', ({ hours, minutes, seconds, after }) => {
    expect(alarmAfter(quietBench(), hours, minutes, seconds)).toBe(after);
  });

  it('in 12-hour format tells morning from afternoon', () => {
    const evening = () => quietBenchIn(0x00, 0x91, 0x59, 0x58);
    expect(alarmAfter(evening(), 0x01, 0x00, 0x00, 0x20)).toBe(3602);
    expect(alarmAfter(evening(), 0x81, 0x00, 0x00, 0x20)).toBe(13 * 3600 + 2);
    expect(alarmAfter(evening(), 0x12, 0x00, 0x00, 0x20)).toBe(2);
    expect(alarmAfter(evening(), 0x92, 0x00, 0x00, 0x20)).toBe(12 * 3600 + 2);
  });

  it('in binary reads binary', () => {
    const evening = quietBenchIn(0x06, 23, 59, 58);
    expect(alarmAfter(evening, 13, 20, 30, 0x26)).toBe(13 * 3600 + 20 * 60 + 32);
  });

  it('compares bytes: digits above nine match only a byte that was written so', () => {
    expect(alarmAfter(quietBench(), 0x00, 0x0a, 0x00)).toBe(Number.POSITIVE_INFINITY);
    const bench = quietBench();
    writeRtc(bench, Rtc.minutes, 0x7a);
    expect(alarmAfter(bench, 0xff, 0x7a, 0xff)).toBe(1);
    writeRtc(bench, Rtc.minutes, 0x7a);
    readRtc(bench, Rtc.c);
    expect(alarmAfter(bench, 0x77, 0x7a, 0xff)).toBe(Number.POSITIVE_INFINITY);
  });

  it('sets its flag beside the update flag, and wakes nobody who did not ask', () => {
    const bench = quietBench();
    writeRtc(bench, Rtc.hoursAlarm, 0xff);
    writeRtc(bench, Rtc.minutesAlarm, 0xff);
    writeRtc(bench, Rtc.secondsAlarm, 0x59);
    bench.clock.advance(1 * SECOND);
    expect(bench.interrupts.irq.changes).toEqual([]);
    expect(readRtc(bench, Rtc.c)).toBe(0x30);
  });

  it('still comes while the update flag was never cleared', () => {
    const bench = quietBench();
    bench.clock.advance(5 * SECOND);
    expect(bench.device.statusC).toBe(0x10);
    expect(alarmAfter(bench, 0x00, 0x00, 0x10)).toBe(7);
    expect(readRtc(bench, Rtc.c)).toBe(0xb0);
  });

  it('costs no timer once it has come and nobody looked', () => {
    const bench = quietBench();
    expect(alarmAfter(bench, 0xff, 0xff, 0xff)).toBe(1);
    expect(bench.device.statusC).toBe(0xb0);
    expect(bench.clock.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it('follows the clock when that is set', () => {
    const bench = quietBench();
    writeRtc(bench, Rtc.b, 0x22);
    writeRtc(bench, Rtc.hoursAlarm, 0x12);
    writeRtc(bench, Rtc.minutesAlarm, 0x00);
    writeRtc(bench, Rtc.secondsAlarm, 0x00);
    bench.clock.advance(3 * SECOND);
    writeRtc(bench, Rtc.b, 0xa2);
    for (const [register, value] of [
      [Rtc.hours, 0x11],
      [Rtc.minutes, 0x59],
      [Rtc.seconds, 0x50],
    ] as const) {
      writeRtc(bench, register, value);
    }
    writeRtc(bench, Rtc.b, 0x22);
    bench.clock.advance(10 * SECOND - 1);
    expect(bench.interrupts.irq.level).toBe(false);
    bench.clock.advance(1);
    expect(bench.interrupts.irq.level).toBe(true);
  });

  it('does not come while the clock is being set, nor does the update flag', () => {
    const bench = quietBench();
    expect(alarmAfter(bench, 0xff, 0xff, 0xff, 0xa2)).toBe(Number.POSITIVE_INFINITY);
    expect(readRtc(bench, Rtc.c)).toBe(0x00);
  });
});

describe('status C', () => {
  it('has every flag that rose, whatever is enabled, the request only for what is, and nothing after it was read', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.secondsAlarm, 0xff);
    writeRtc(bench, Rtc.minutesAlarm, 0xff);
    writeRtc(bench, Rtc.hoursAlarm, 0xff);
    bench.clock.advance(1 * SECOND);
    expect(readRtc(bench, Rtc.c)).toBe(0x70);
    expect(readRtc(bench, Rtc.c)).toBe(0x00);
    writeRtc(bench, Rtc.b, 0x22);
    bench.clock.advance(1 * SECOND);
    expect(readRtc(bench, Rtc.c)).toBe(0xf0);
    expect(bench.interrupts.irq.level).toBe(false);
  });

  it('keeps the line up while another enabled flag is up', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, 0x52);
    bench.clock.advance(1 * SECOND);
    writeRtc(bench, Rtc.b, 0x12);
    expect(bench.interrupts.irq.level).toBe(true);
    writeRtc(bench, Rtc.b, 0x02);
    expect(bench.interrupts.irq.level).toBe(false);
  });
});
