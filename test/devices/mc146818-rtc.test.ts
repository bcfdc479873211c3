import { describe, expect, it } from 'vitest';
import { SECOND } from '../../sdk/index.ts';
import { expectRefusal } from '../refusal.ts';
import { Rtc, readRtc, readTime, rtcBench, writeRtc } from './rtc-guest.ts';

describe('the two ports of the RTC', () => {
  it('choose a register with the first and move it with the second', () => {
    const bench = rtcBench();
    bench.out8(0x70, 0x40);
    bench.out8(0x71, 0x5a);
    expect(bench.device.index).toBe(0x40);
    expect(bench.device.ram[0x40]).toBe(0x5a);
    expect(bench.in8(0x71)).toBe(0x5a);
  });

  it('answer all ones for the index, which cannot be read back, and firmware of a PC may try', () => {
    const bench = rtcBench();
    bench.out8(0x70, 0x0d);
    expect(bench.in8(0x70)).toBe(0xff);
    expect(bench.device.index).toBe(0x0d);
    expect(bench.guestErrors).toEqual([]);
  });

  it('drop the top bit of an index, with which a PC masks NMIs', () => {
    const bench = rtcBench();
    writeRtc(bench, 0x80 | 0x41, 0x12);
    expect(readRtc(bench, 0x41)).toBe(0x12);
    expect(bench.device.index).toBe(0x41);
  });

  it('take a 16-bit write as index and data, and a 32-bit one as two of those', () => {
    const bench = rtcBench();
    bench.out16(0x70, 0x5a40);
    expect(readRtc(bench, 0x40)).toBe(0x5a);
    expect(bench.in16(0x70)).toBe(0x5aff);
    expect(bench.in32(0x70)).toBe(0x5aff5aff);
    bench.out32(0x70, 0x44434241);
    expect([readRtc(bench, 0x41), readRtc(bench, 0x43)]).toEqual([0x42, 0x44]);
  });

  it('leave the ports beyond alone when an access begins at the second', () => {
    const bench = rtcBench();
    bench.out8(0x70, 0x0d);
    expect(bench.in16(0x71)).toBe(0xff80);
    expect(bench.in16(0x6f)).toBe(0xffff);
  });

  it('are where the option iobase puts them', () => {
    const bench = rtcBench({ options: { iobase: 0x170 } });
    bench.out8(0x170, 0x0d);
    expect(bench.in8(0x171)).toBe(0x80);
    expect(bench.in8(0x71)).toBe(0xff);
  });
});

describe('the registers at power-on', () => {
  it('show a BCD, 24-hour clock that runs, no interrupts, and a good battery', () => {
    const bench = rtcBench();
    expect([Rtc.a, Rtc.b, Rtc.c, Rtc.d].map((register) => readRtc(bench, register))).toEqual([0x26, 0x02, 0x00, 0x80]);
    expect(readTime(bench)).toBe('20 24 02 29 05 23 59 58');
  });

  it('start at the date that was given, milliseconds included', () => {
    const bench = rtcBench({ options: { date: new Date('1999-12-31T23:59:59.750Z') } });
    bench.clock.advance(0.25 * SECOND - 1);
    expect(readTime(bench)).toBe('19 99 12 31 06 23 59 59');
    bench.clock.advance(1);
    expect(readTime(bench)).toBe('20 00 01 01 07 00 00 00');
  });

  it('count years from the base year, and centuries above them', () => {
    const bench = rtcBench({ options: { baseYear: 1980 } });
    expect([readRtc(bench, Rtc.century), readRtc(bench, Rtc.year)]).toEqual([0x00, 0x44]);
  });

  it('refuse writes to status C and D, and say so', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.c, 0xff);
    writeRtc(bench, Rtc.d, 0x00);
    expect([readRtc(bench, Rtc.c), readRtc(bench, Rtc.d)]).toEqual([0x00, 0x80]);
    expect(bench.guestErrors).toEqual([
      { device: 'mc146818rtc', message: expect.stringContaining("'statusC'"), count: 1 },
      { device: 'mc146818rtc', message: expect.stringContaining("'statusD'"), count: 1 },
    ]);
  });
});

describe('the formats of the time', () => {
  it('say how bytes count on, and convert none: DM and 24/12 alone change nothing', () => {
    const bench = rtcBench();
    for (const format of [0x06, 0x00, 0x04, 0x02]) {
      writeRtc(bench, Rtc.b, format);
      expect(readTime(bench)).toBe('20 24 02 29 05 23 59 58');
    }
  });

  it('do not convert what was written under SET in another one either', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, 0x82);
    for (const [register, value] of [
      [Rtc.hours, 0x19],
      [Rtc.minutes, 0x37],
      [Rtc.seconds, 0x14],
    ] as const) {
      writeRtc(bench, register, value);
    }
    writeRtc(bench, Rtc.b, 0x06);
    expect(readTime(bench)).toBe('20 24 02 29 05 19 37 14');
    bench.clock.advance(6 * SECOND);
    expect(readRtc(bench, Rtc.seconds)).toBe(0x1a);
  });

  it.each([
    { b: 0x02, date: [0x20, 0x24, 0x02, 0x29], time: [0x23, 0x59, 0x59], next: '20 24 03 01 06 00 00 00' },
    { b: 0x06, date: [20, 24, 2, 29], time: [23, 59, 59], next: '14 18 03 01 06 00 00 00' },
    { b: 0x00, date: [0x20, 0x24, 0x02, 0x29], time: [0x91, 0x59, 0x59], next: '20 24 03 01 06 12 00 00' },
    { b: 0x00, date: [0x20, 0x24, 0x02, 0x29], time: [0x11, 0x59, 0x59], next: '20 24 02 29 05 92 00 00' },
    { b: 0x00, date: [0x20, 0x24, 0x02, 0x29], time: [0x12, 0x59, 0x59], next: '20 24 02 29 05 01 00 00' },
    { b: 0x00, date: [0x20, 0x24, 0x02, 0x29], time: [0x92, 0x59, 0x59], next: '20 24 02 29 05 81 00 00' },
    { b: 0x04, date: [20, 24, 2, 29], time: [0x8b, 59, 59], next: '14 18 03 01 06 0c 00 00' },
  ])('count in status B $b from $time to $next', ({ b, date, time, next }) => {
    const bench = rtcBench();
    const { century, year, month, day, hours, minutes, seconds } = Rtc;
    writeRtc(bench, Rtc.b, b | 0x80);
    for (const [index, register] of [century, year, month, day, hours, minutes, seconds].entries())
      writeRtc(bench, register, [...date, ...time][index] as number);
    writeRtc(bench, Rtc.b, b);
    bench.clock.advance(1 * SECOND);
    expect(readTime(bench)).toBe(next);
  });
});

describe('the century', () => {
  it('is also at the PS/2 register: whoever selects that one has selected the PC register', () => {
    const bench = rtcBench();
    bench.out8(0x70, Rtc.ps2Century);
    expect(bench.in8(0x71)).toBe(0x20);
    expect(bench.device.index).toBe(Rtc.century);
    writeRtc(bench, Rtc.ps2Century, 0x19);
    expect(readTime(bench)).toBe('19 24 02 29 05 23 59 58');
    expect(bench.device.ram[Rtc.ps2Century]).toBe(0);
  });

  it('goes on after year 99, and after 9999 begins anew', () => {
    const bench = rtcBench({ options: { date: new Date('1999-12-31T23:59:59Z') } });
    bench.clock.advance(1 * SECOND);
    expect(readTime(bench)).toBe('20 00 01 01 07 00 00 00');
    writeRtc(bench, Rtc.b, 0x82);
    for (const [register, value] of [
      [Rtc.century, 0x99],
      [Rtc.year, 0x99],
      [Rtc.month, 0x12],
      [Rtc.day, 0x31],
      [Rtc.hours, 0x23],
      [Rtc.minutes, 0x59],
      [Rtc.seconds, 0x59],
    ] as const)
      writeRtc(bench, register, value);
    writeRtc(bench, Rtc.b, 0x02);
    bench.clock.advance(1 * SECOND);
    expect(readTime(bench)).toBe('00 00 01 01 01 00 00 00');
  });
});

describe('setting the time', () => {
  it('byte by byte while the clock runs keeps each byte: 31 January on the way to 15 February is no March', () => {
    const bench = rtcBench({ options: { date: new Date('2026-01-31T12:00:00Z') } });
    writeRtc(bench, Rtc.year, 0x26);
    writeRtc(bench, Rtc.month, 0x02);
    expect(readTime(bench)).toBe('20 26 02 31 07 12 00 00');
    bench.clock.advance(30 * SECOND);
    expect(readTime(bench)).toBe('20 26 02 31 07 12 00 30');
    writeRtc(bench, Rtc.day, 0x15);
    expect(readTime(bench)).toBe('20 26 02 15 07 12 00 30');
    bench.clock.advance(86_400 * SECOND);
    expect(readTime(bench)).toBe('20 26 02 16 01 12 00 30');
  });

  it.each([
    {
      what: 'an impossible date',
      bytes: [
        [Rtc.month, 0x02],
        [Rtc.day, 0x31],
      ],
      next: '20 24 03 03 06 00 00 00',
    },
    {
      what: 'a month too many',
      bytes: [
        [Rtc.month, 0x13],
        [Rtc.day, 0x05],
      ],
      next: '20 25 01 06 06 00 00 00',
    },
    {
      what: 'month 0',
      bytes: [
        [Rtc.month, 0x00],
        [Rtc.day, 0x05],
      ],
      next: '20 23 12 06 06 00 00 00',
    },
    { what: 'hour 30', bytes: [[Rtc.hours, 0x30]], next: '20 24 03 01 06 07 00 00' },
    { what: 'minute 75', bytes: [[Rtc.minutes, 0x75]], next: '20 24 03 01 06 00 16 00' },
    { what: 'second 85', bytes: [[Rtc.seconds, 0x7f]], next: '20 24 03 01 06 00 00 26' },
    {
      what: 'a minute of no number, as one before the first',
      bytes: [[Rtc.minutes, 0xff]],
      next: '20 24 02 29 05 23 00 00',
    },
    {
      what: 'digits above nine, above which nothing is carried',
      bytes: [
        [Rtc.month, 0x0a],
        [Rtc.day, 0x1a],
      ],
      next: '20 24 0a 21 06 00 00 00',
    },
    { what: 'a day of the week of its own', bytes: [[Rtc.weekday, 0x03]], next: '20 24 03 01 04 00 00 00' },
    { what: 'day 0 of the week', bytes: [[Rtc.weekday, 0x00]], next: '20 24 03 01 01 00 00 00' },
    { what: 'day 9 of the week', bytes: [[Rtc.weekday, 0x09]], next: '20 24 03 01 03 00 00 00' },
  ])('keeps $what until a carry reaches it, then counts on', ({ bytes, next }) => {
    const bench = rtcBench({ options: { date: new Date('2024-02-29T23:59:59Z') } });
    for (const [register, value] of bytes) writeRtc(bench, register as number, value as number);
    for (const [register, value] of bytes) expect(readRtc(bench, register as number)).toBe(value);
    bench.clock.advance(1 * SECOND);
    expect(readTime(bench)).toBe(next);
  });

  it('counts the day of the week by itself, from Saturday to Sunday', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, 0x82);
    writeRtc(bench, Rtc.weekday, 0x03);
    writeRtc(bench, Rtc.b, 0x02);
    expect(readRtc(bench, Rtc.weekday)).toBe(3);
    const seen = [1, 2, 3, 4, 5].map(() => {
      bench.clock.advance(86_400 * SECOND);
      return readRtc(bench, Rtc.weekday);
    });
    expect(seen).toEqual([4, 5, 6, 7, 1]);
  });

  it('cannot write the top bit of the seconds', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.seconds, 0xd9);
    expect(readRtc(bench, Rtc.seconds)).toBe(0x59);
  });

  it('keeps the seconds that passed since anybody looked', () => {
    const bench = rtcBench();
    readRtc(bench, Rtc.c);
    bench.clock.advance(10 * SECOND);
    writeRtc(bench, Rtc.hours, 0x05);
    expect(readTime(bench)).toBe('20 24 03 01 06 05 00 08');
  });

  it('leaves the divider chain alone: the next update comes when it would have come', () => {
    const bench = rtcBench();
    bench.clock.advance(0.9 * SECOND);
    writeRtc(bench, Rtc.seconds, 0x10);
    bench.clock.advance(0.1 * SECOND - 1);
    expect(readRtc(bench, Rtc.seconds)).toBe(0x10);
    bench.clock.advance(1);
    expect(readRtc(bench, Rtc.seconds)).toBe(0x11);
  });

  it('under SET freezes the bytes, and clearing SET starts from them with the part of a second that went on meanwhile', () => {
    const bench = rtcBench();
    bench.clock.advance(0.25 * SECOND);
    writeRtc(bench, Rtc.b, 0x82);
    bench.clock.advance(10.5 * SECOND);
    expect(readTime(bench)).toBe('20 24 02 29 05 23 59 58');
    writeRtc(bench, Rtc.minutes, 0x7f);
    expect(readRtc(bench, Rtc.minutes)).toBe(0x7f);
    writeRtc(bench, Rtc.minutes, 0x30);
    writeRtc(bench, Rtc.b, 0x02);
    expect(readTime(bench)).toBe('20 24 02 29 05 23 30 58');
    bench.clock.advance(0.25 * SECOND - 1);
    expect(readRtc(bench, Rtc.seconds)).toBe(0x58);
    bench.clock.advance(1);
    expect(readRtc(bench, Rtc.seconds)).toBe(0x59);
  });

  it('by SET going high turns the update interrupt off, which can be turned on again under SET', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, 0xf2);
    expect(readRtc(bench, Rtc.b)).toBe(0xe2);
    writeRtc(bench, Rtc.b, 0x92);
    expect(readRtc(bench, Rtc.b)).toBe(0x92);
  });

  it('by SET breaks off an update that has begun, and one that would have begun before SET is off does not come', () => {
    const bench = rtcBench();
    bench.clock.advance(1 * SECOND - 1_000_000);
    expect(readRtc(bench, Rtc.a)).toBe(0xa6);
    writeRtc(bench, Rtc.b, 0x82);
    expect(readRtc(bench, Rtc.a)).toBe(0x26);
    bench.clock.advance(500_000);
    writeRtc(bench, Rtc.b, 0x02);
    bench.clock.advance(1 * SECOND);
    expect([readRtc(bench, Rtc.seconds), readRtc(bench, Rtc.a) & 0x80]).toEqual([0x58, 0x80]);
    bench.clock.advance(500_000);
    expect(readRtc(bench, Rtc.seconds)).toBe(0x59);
  });
});

describe('the divider chain', () => {
  it.each([0, 1, 2])('runs at setting %i', (setting) => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.a, (setting << 4) | 6);
    bench.clock.advance(1 * SECOND);
    expect(readRtc(bench, Rtc.seconds)).toBe(0x59);
  });

  it.each([3, 4, 5, 6, 7])('stands at setting %i, where bytes only collect', (setting) => {
    const bench = rtcBench();
    bench.clock.advance(1 * SECOND);
    writeRtc(bench, Rtc.a, setting << 4);
    expect(readRtc(bench, Rtc.a)).toBe(setting << 4);
    expect(readRtc(bench, Rtc.c)).toBe(0x50);
    bench.clock.advance(5 * SECOND);
    expect(readTime(bench)).toBe('20 24 02 29 05 23 59 59');
    writeRtc(bench, Rtc.minutes, 0x7f);
    expect(readRtc(bench, Rtc.minutes)).toBe(0x7f);
    expect(readRtc(bench, Rtc.c)).toBe(0x00);
  });

  it('at a setting for tests keeps what is written, and goes on with it in step with the seconds before', () => {
    const bench = rtcBench();
    bench.clock.advance(0.25 * SECOND);
    writeRtc(bench, Rtc.a, 0x36);
    bench.clock.advance(10 * SECOND);
    writeRtc(bench, Rtc.minutes, 0x10);
    writeRtc(bench, Rtc.a, 0x26);
    expect(readTime(bench)).toBe('20 24 02 29 05 23 10 58');
    bench.clock.advance(0.75 * SECOND);
    expect(readTime(bench)).toBe('20 24 02 29 05 23 10 59');
  });

  it.each([
    [2, 1_984_000],
    [1, 248_000],
    [0, 248_000],
  ])('let go at setting %i makes the first update begin half a second later, which takes %i ns', (setting, takes) => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.a, 0x60);
    bench.clock.advance(3.3 * SECOND);
    readRtc(bench, Rtc.c);
    writeRtc(bench, Rtc.a, setting << 4);
    bench.clock.advance(0.5 * SECOND - 244_001);
    expect(readRtc(bench, Rtc.a)).toBe(setting << 4);
    bench.clock.advance(1);
    expect(readRtc(bench, Rtc.a)).toBe(0x80 | (setting << 4));
    bench.clock.advance(244_000 + takes - 1);
    expect([readRtc(bench, Rtc.a), readRtc(bench, Rtc.seconds)]).toEqual([0x80 | (setting << 4), 0x58]);
    expect(readRtc(bench, Rtc.c)).toBe(0x00);
    bench.clock.advance(1);
    expect([readRtc(bench, Rtc.a), readRtc(bench, Rtc.seconds)]).toEqual([setting << 4, 0x59]);
    expect(readRtc(bench, Rtc.c)).toBe(0x10);
  });

  it('held under SET starts the clock only when both are released', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, 0x82);
    writeRtc(bench, Rtc.a, 0x66);
    writeRtc(bench, Rtc.hours, 0x07);
    writeRtc(bench, Rtc.b, 0x02);
    bench.clock.advance(2 * SECOND);
    expect(readTime(bench)).toBe('20 24 02 29 05 07 59 58');
    writeRtc(bench, Rtc.a, 0x26);
    bench.clock.advance(0.5 * SECOND);
    expect(readTime(bench)).toBe('20 24 02 29 05 07 59 58');
    bench.clock.advance(1_984_000);
    expect(readTime(bench)).toBe('20 24 02 29 05 07 59 59');
  });
});

describe('daylight saving', () => {
  /** At `time` with DSE; the option's date says the day of the week too. */
  const atDawn = (date: string, b = 0x03) => {
    const bench = rtcBench({ options: { date: new Date(`${date}Z`) } });
    writeRtc(bench, Rtc.b, b);
    return bench;
  };

  it.each([
    // Sundays: 28 April and 27 October 2024.
    { at: '2024-04-28T01:59:59', next: '20 24 04 28 01 03 00 00' },
    { at: '2024-04-21T01:59:59', next: '20 24 04 21 01 02 00 00' },
    { at: '2024-04-27T01:59:59', next: '20 24 04 27 07 02 00 00' },
    { at: '2024-04-28T13:59:59', next: '20 24 04 28 01 14 00 00' },
    { at: '2024-10-27T01:59:59', next: '20 24 10 27 01 01 00 00' },
    { at: '2024-10-20T01:59:59', next: '20 24 10 20 01 02 00 00' },
    { at: '2024-03-31T01:59:59', next: '20 24 03 31 01 02 00 00' },
  ])('after $at comes $next', ({ at, next }) => {
    const bench = atDawn(at);
    bench.clock.advance(1 * SECOND);
    expect(readTime(bench)).toBe(next);
  });

  it('changes nothing without DSE', () => {
    const bench = atDawn('2024-04-28T01:59:59', 0x02);
    bench.clock.advance(1 * SECOND);
    expect(readRtc(bench, Rtc.hours)).toBe(0x02);
  });

  it('repeats the hour in autumn once', () => {
    const bench = atDawn('2024-10-27T00:59:59');
    const hours = [1, 2, 3, 4].map(() => {
      bench.clock.advance(3600 * SECOND);
      return readTime(bench);
    });
    expect(hours.map((time) => time.slice(-8))).toEqual(['01 59 59', '01 59 59', '02 59 59', '03 59 59']);
  });

  it.each([
    // Repeated once: 27 October 2024, 01:00:00 for the second time.
    { written: 'the same hour', bytes: [[Rtc.hours, 0x01]], next: '20 24 10 27 01 01 00 00' },
    { written: 'the same day', bytes: [[Rtc.day, 0x27]], next: '20 24 10 27 01 01 00 00' },
    { written: 'the same weekday', bytes: [[Rtc.weekday, 0x01]], next: '20 24 10 27 01 01 00 00' },
    { written: 'another year', bytes: [[Rtc.year, 0x31]], next: '20 31 10 27 01 01 00 00' },
    { written: 'another century', bytes: [[Rtc.century, 0x19]], next: '19 24 10 27 01 01 00 00' },
    {
      written: 'minutes, seconds and an alarm',
      bytes: [
        [2, 0],
        [0, 0],
        [5, 4],
      ],
      next: '20 24 10 27 01 02 00 00',
    },
  ] as const)('repeats the hour anew after the guest has set $written, as a time of its own: $next', (row) => {
    const bench = atDawn('2024-10-27T01:59:59');
    bench.clock.advance(1 * SECOND);
    expect(readTime(bench)).toBe('20 24 10 27 01 01 00 00');
    for (const [register, value] of row.bytes) writeRtc(bench, register, value);
    bench.clock.advance(3600 * SECOND);
    expect(readTime(bench)).toBe(row.next);
    bench.clock.advance(3600 * SECOND);
    expect(readRtc(bench, Rtc.hours)).toBe(row.next.endsWith('01 00 00') ? 0x02 : 0x03);
  });

  it('gives an alarm again in the hour that a written century repeats', () => {
    const bench = atDawn('2024-10-27T01:59:59', 0x23);
    bench.clock.advance(1 * SECOND);
    for (const [register, value] of [
      [Rtc.hoursAlarm, 0x01],
      [Rtc.minutesAlarm, 0x30],
      [Rtc.secondsAlarm, 0],
    ] as const)
      writeRtc(bench, register, value);
    bench.clock.advance(2400 * SECOND);
    expect(readRtc(bench, Rtc.c) & 0x20).toBe(0x20);
    bench.clock.advance(10 * SECOND);
    writeRtc(bench, Rtc.century, 0x19);
    bench.clock.advance(2990 * SECOND);
    expect(readRtc(bench, Rtc.c) & 0x20).toBe(0x20);
  });

  it.each([
    ['from a date', []],
    ['from the hour that is repeated', [[Rtc.hours, 0x01]]],
    [
      'from bytes that are no date',
      [
        [Rtc.month, 0x99],
        [Rtc.day, 0xfe],
        [Rtc.weekday, 0x7f],
        [Rtc.hours, 0xc5],
        [Rtc.century, 0xff],
      ],
    ],
  ] as const)(
    '%s, is after thousands of years as if it was looked at on the way, and found at once after millions',
    (_name, bytes) => {
      const start = () => {
        const bench = atDawn('2024-10-27T01:59:59');
        bench.clock.advance(1 * SECOND);
        for (const [register, value] of bytes) writeRtc(bench, register, value);
        return bench;
      };
      const centuries = (count: number) => count * 36_524 * 86_400 * SECOND + 11_111 * 3600 * SECOND;
      const [once, looked] = [start(), start()];
      once.clock.advance(centuries(1) * 21);
      for (let look = 0; look < 21; look++) {
        looked.clock.advance(centuries(1));
        readRtc(looked, Rtc.hours);
      }
      expect(readTime(once)).toBe(readTime(looked));
      // 10,000 years are 25 times 146,097 days: four digits of years come again.
      const [later, latest] = [start(), start()];
      const tenThousandYears = 25 * 146_097 * 86_400 * SECOND;
      later.clock.advance(tenThousandYears);
      latest.clock.advance(tenThousandYears * 14_000);
      expect(readTime(latest)).toBe(readTime(later));
    },
  );

  it('is not forgotten by a clock that is not read for years', () => {
    const bench = atDawn('2024-01-01T00:00:00');
    for (let month = 0; month < 24; month++) bench.clock.advance(30 * 86_400 * SECOND);
    const looked = atDawn('2024-01-01T00:00:00');
    for (let day = 0; day < 720; day++) {
      looked.clock.advance(86_400 * SECOND);
      readRtc(looked, Rtc.hours);
    }
    expect(readTime(bench)).toBe(readTime(looked));
    expect(readTime(bench)).toBe('20 25 12 21 01 00 00 00');
  });

  it('moves the alarm with the hours', () => {
    const bench = atDawn('2024-04-28T01:00:00', 0x23);
    writeRtc(bench, Rtc.hoursAlarm, 0x04);
    writeRtc(bench, Rtc.minutesAlarm, 0x00);
    writeRtc(bench, Rtc.secondsAlarm, 0x00);
    readRtc(bench, Rtc.c);
    bench.clock.advance(86_400 * SECOND);
    expect(bench.interrupts.irq.changes).toEqual([{ level: true, at: 2 * 3600 * SECOND }]);
  });

  it('rings at the very second to which the clock is changed', () => {
    const bench = atDawn('2024-04-28T01:59:58', 0x23);
    writeRtc(bench, Rtc.hoursAlarm, 0x03);
    writeRtc(bench, Rtc.minutesAlarm, 0x00);
    writeRtc(bench, Rtc.secondsAlarm, 0x00);
    bench.clock.advance(3 * SECOND);
    expect(bench.interrupts.irq.changes).toEqual([{ level: true, at: 2 * SECOND }]);
  });
});

describe('a reset', () => {
  it('turns all three interrupts and the square wave off and keeps formats, SET, rates, index and CMOS RAM', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.a, 0x2f);
    writeRtc(bench, 0x40, 0x77);
    writeRtc(bench, Rtc.b, 0x7f);
    bench.out8(0x70, 0x40);
    bench.reset();
    expect(bench.in8(0x71)).toBe(0x77);
    expect([readRtc(bench, Rtc.a), readRtc(bench, Rtc.b)]).toEqual([0x2f, 0x07]);
    writeRtc(bench, Rtc.b, 0x82);
    bench.reset();
    expect(readRtc(bench, Rtc.b)).toBe(0x82);
  });

  it('forgets what happened and lets go of the line', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, 0x12);
    bench.clock.advance(1 * SECOND);
    expect(bench.interrupts.irq.level).toBe(true);
    bench.reset();
    expect(bench.interrupts.irq.level).toBe(false);
    expect(readRtc(bench, Rtc.c)).toBe(0);
    expect(readTime(bench)).toBe('20 24 02 29 05 23 59 59');
  });

  it('clears the shutdown status, unless it says that the machine wakes up from sleep', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.shutdown, 0x05);
    bench.reset();
    expect(readRtc(bench, Rtc.shutdown)).toBe(0);
    writeRtc(bench, Rtc.shutdown, 0xfe);
    bench.reset();
    expect(readRtc(bench, Rtc.shutdown)).toBe(0xfe);
  });
});

describe('CMOS RAM filled by the machine', () => {
  it('is read by the guest, without any side effect', () => {
    const bench = rtcBench();
    bench.device.setCmos(0x34, 0x07);
    expect(readRtc(bench, 0x34)).toBe(0x07);
    bench.out8(0x70, 0x10);
    bench.device.setCmos(0x37, 0x55);
    expect(bench.device.index).toBe(0x10);
    expect(readTime(bench)).toBe('20 24 02 29 05 23 59 58');
  });

  it.each([-1, 0x00, 0x09, 0x0d, 0x80])('does not reach register %i, and says what does', (register) => {
    const bench = rtcBench();
    expectRefusal(
      () => bench.device.setCmos(register, 0),
      'cmos-register-out-of-range',
      "'mc146818rtc'",
      '0x0e to 0x7f',
    );
  });
});

describe('an RTC taken out of the machine', () => {
  it('leaves no timer behind', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, 0x72);
    bench.device.unrealize();
    expect(bench.clock.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });
});
