import { describe, expect, it } from 'vitest';
import { SECOND } from '../../sdk/index.ts';
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

  it('answer all ones for the index, which cannot be read back', () => {
    const bench = rtcBench();
    bench.out8(0x70, 0x0d);
    expect(bench.in8(0x70)).toBe(0xff);
    expect(bench.device.index).toBe(0x0d);
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
      { device: 'mc146818rtc', message: "write to the read-only register 'statusC'", count: 1 },
      { device: 'mc146818rtc', message: "write to the read-only register 'statusD'", count: 1 },
    ]);
  });
});

describe('the formats of the time', () => {
  it('are BCD or binary, and 24 or 12 hours with the top bit for PM', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, 0x06);
    expect(readTime(bench)).toBe('14 18 02 1d 05 17 3b 3a');
    writeRtc(bench, Rtc.b, 0x00);
    expect(readTime(bench)).toBe('20 24 02 29 05 91 59 58');
    writeRtc(bench, Rtc.b, 0x04);
    expect(readTime(bench)).toBe('14 18 02 1d 05 8b 3b 3a');
  });

  it('call both midnight and noon 12', () => {
    const bench = rtcBench({ options: { date: new Date('2024-01-01T00:30:00Z') } });
    writeRtc(bench, Rtc.b, 0x00);
    expect(readRtc(bench, Rtc.hours)).toBe(0x12);
    bench.clock.advance(12 * 3600 * SECOND);
    expect(readRtc(bench, Rtc.hours)).toBe(0x92);
  });

  it('do not touch the bytes when they change while the clock is being set', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, 0x06);
    writeRtc(bench, Rtc.b, 0x82);
    expect(readTime(bench)).toBe('14 18 02 1d 05 17 3b 3a');
  });

  it('in which the clock was stopped are those in which its bytes are read when it goes on', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, 0x82);
    for (const [register, value] of [
      [Rtc.hours, 0x10],
      [Rtc.minutes, 0x12],
      [Rtc.seconds, 0x11],
    ] as const) {
      writeRtc(bench, register, value);
    }
    writeRtc(bench, Rtc.b, 0x06);
    expect(readTime(bench)).toBe('14 18 02 1d 05 0a 0c 0b');
  });
});

describe('the century', () => {
  it('is also at the PS/2 register: whoever selects that one has selected the PC register', () => {
    const bench = rtcBench();
    bench.out8(0x70, Rtc.ps2Century);
    expect(bench.in8(0x71)).toBe(0x20);
    expect(bench.device.index).toBe(Rtc.century);
    writeRtc(bench, Rtc.ps2Century, 0x19);
    expect(readTime(bench)).toBe('19 24 02 29 06 23 59 58');
    expect(bench.device.ram[Rtc.ps2Century]).toBe(0);
  });

  it('reaches year 9999 and comes back exactly', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.century, 0x99);
    writeRtc(bench, Rtc.year, 0x99);
    expect(readTime(bench)).toBe('99 99 03 01 02 23 59 58');
    bench.clock.advance(2 * SECOND);
    expect(readTime(bench)).toBe('99 99 03 02 03 00 00 00');
  });
});

describe('setting the time', () => {
  it('byte by byte while the clock runs moves it at once, and impossible dates count on', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.month, 1);
    writeRtc(bench, Rtc.day, 0x31);
    expect(readTime(bench)).toBe('20 24 01 31 04 23 59 58');
    writeRtc(bench, Rtc.month, 2);
    expect(readTime(bench)).toBe('20 24 03 02 07 23 59 58');
    writeRtc(bench, Rtc.seconds, 0x7f);
    expect(readTime(bench)).toBe('20 24 03 03 01 00 00 25');
  });

  it('counts a byte with both top bits set as minus one', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.minutes, 0xff);
    expect(readTime(bench)).toBe('20 24 02 29 05 22 59 58');
  });

  it('does not look at the day of the week', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.weekday, 1);
    expect(readRtc(bench, Rtc.weekday)).toBe(5);
  });

  it('keeps the seconds that passed since anybody looked', () => {
    const bench = rtcBench();
    readRtc(bench, Rtc.c);
    bench.clock.advance(10 * SECOND);
    writeRtc(bench, Rtc.hours, 0x05);
    expect(readTime(bench)).toBe('20 24 03 01 06 05 00 08');
  });

  it('starts a new second at the byte written, with the part of a second that the clock was set with before', () => {
    const bench = rtcBench();
    bench.clock.advance(0.9 * SECOND);
    writeRtc(bench, Rtc.minutes, 0x10);
    bench.clock.advance(1 * SECOND - 1);
    expect(readRtc(bench, Rtc.seconds)).toBe(0x58);
    bench.clock.advance(1);
    expect(readRtc(bench, Rtc.seconds)).toBe(0x59);
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

  it('under SET turns the update interrupt off', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, 0xf2);
    expect(readRtc(bench, Rtc.b)).toBe(0xe2);
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
    writeRtc(bench, Rtc.a, (setting << 4) | 6);
    expect(readRtc(bench, Rtc.a)).toBe((setting << 4) | 6);
    bench.clock.advance(5 * SECOND);
    expect(readTime(bench)).toBe('20 24 02 29 05 23 59 59');
    expect(readRtc(bench, Rtc.c)).toBe(0x10);
    writeRtc(bench, Rtc.minutes, 0x7f);
    expect(readRtc(bench, Rtc.minutes)).toBe(0x7f);
    expect(readRtc(bench, Rtc.c)).toBe(0x00);
  });

  it('at a setting for no crystal forgets what was written when it runs again, and goes on where it stood', () => {
    const bench = rtcBench();
    bench.clock.advance(0.25 * SECOND);
    writeRtc(bench, Rtc.a, 0x36);
    bench.clock.advance(10 * SECOND);
    writeRtc(bench, Rtc.minutes, 0x10);
    writeRtc(bench, Rtc.a, 0x26);
    expect(readTime(bench)).toBe('20 24 02 29 05 23 59 58');
    bench.clock.advance(0.75 * SECOND);
    expect(readTime(bench)).toBe('20 24 02 29 05 23 59 59');
  });

  it('let go makes the first update come half a second later', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.a, 0x66);
    bench.clock.advance(3.3 * SECOND);
    writeRtc(bench, Rtc.a, 0x26);
    bench.clock.advance(0.5 * SECOND - 1);
    expect(readRtc(bench, Rtc.seconds)).toBe(0x58);
    expect(readRtc(bench, Rtc.c)).toBe(0x00);
    bench.clock.advance(1);
    expect(readRtc(bench, Rtc.seconds)).toBe(0x59);
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
    expect(readTime(bench)).toBe('20 24 02 29 05 07 59 59');
  });
});

describe('a reset', () => {
  it('turns periodic and alarm interrupts off and keeps formats, SET, update interrupts, index and CMOS RAM', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.a, 0x2f);
    writeRtc(bench, 0x40, 0x77);
    writeRtc(bench, Rtc.b, 0x7e);
    bench.out8(0x70, 0x40);
    bench.reset();
    expect(bench.in8(0x71)).toBe(0x77);
    expect([readRtc(bench, Rtc.a), readRtc(bench, Rtc.b)]).toEqual([0x2f, 0x16]);
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
    expect(() => bench.device.setCmos(register, 0)).toThrow(/is no byte of its CMOS RAM\. Use 0x0e to 0x7f/);
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
