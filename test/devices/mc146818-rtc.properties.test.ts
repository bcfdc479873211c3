import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SECOND } from '../../sdk/index.ts';
import { times } from '../depth.ts';
import { Rtc, type RtcBench, readRtc, rtcBench, writeRtc } from './rtc-guest.ts';

const date = fc.date({
  min: new Date('0001-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59Z'),
  noInvalidDate: true,
});
const status = fc.constantFrom(0x00, 0x02, 0x04, 0x06);

/** What a guest reads, as a date: an independent decoder, on top of JavaScript's own calendar. */
function readDate(bench: RtcBench): { date: Date; weekday: number } {
  const b = readRtc(bench, Rtc.b);
  const number = (byte: number) => (b & 0x04 ? byte : Number(byte.toString(16)));
  const raw = readRtc(bench, Rtc.hours);
  const hours = b & 0x02 ? number(raw) : (number(raw & 0x7f) % 12) + (raw & 0x80 ? 12 : 0);
  const get = (register: number) => number(readRtc(bench, register));
  const date = new Date(0);
  date.setUTCFullYear(get(Rtc.century) * 100 + get(Rtc.year), get(Rtc.month) - 1, get(Rtc.day));
  date.setUTCHours(hours, get(Rtc.minutes), get(Rtc.seconds));
  return { date, weekday: get(Rtc.weekday) };
}

/** What a guest writes for a date, in the format that status B says. */
function writeDate(bench: RtcBench, date: Date): void {
  const b = readRtc(bench, Rtc.b);
  const byte = (value: number) => (b & 0x04 ? value : Number.parseInt(String(value), 16));
  const hours = date.getUTCHours();
  const hoursByte = b & 0x02 ? byte(hours) : byte(hours % 12 === 0 ? 12 : hours % 12) | (hours >= 12 ? 0x80 : 0);
  const year = date.getUTCFullYear();
  writeRtc(bench, Rtc.b, b | 0x80);
  writeRtc(bench, Rtc.century, byte(Math.floor(year / 100)));
  writeRtc(bench, Rtc.year, byte(year % 100));
  writeRtc(bench, Rtc.month, byte(date.getUTCMonth() + 1));
  writeRtc(bench, Rtc.day, byte(date.getUTCDate()));
  writeRtc(bench, Rtc.weekday, byte(date.getUTCDay() + 1));
  writeRtc(bench, Rtc.hours, hoursByte);
  writeRtc(bench, Rtc.minutes, byte(date.getUTCMinutes()));
  writeRtc(bench, Rtc.seconds, byte(date.getUTCSeconds()));
  writeRtc(bench, Rtc.b, b);
}

const wholeSeconds = (time: Date): Date => new Date(Math.floor(time.getTime() / 1000) * 1000);

describe('any date in any of the four formats', () => {
  it('is read back as it was set, and goes on from there', () => {
    fc.assert(
      fc.property(date, status, fc.integer({ min: 0, max: 100 * 86_400 }), (moment, b, later) => {
        const bench = rtcBench();
        writeRtc(bench, Rtc.b, b);
        const set = wholeSeconds(moment);
        writeDate(bench, set);
        expect(readDate(bench)).toEqual({ date: set, weekday: set.getUTCDay() + 1 });
        bench.clock.advance(later * SECOND);
        const then = new Date(set.getTime() + later * 1000);
        if (then.getUTCFullYear() <= 9999)
          expect(readDate(bench)).toEqual({ date: then, weekday: then.getUTCDay() + 1 });
      }),
      { numRuns: times(66, 200) },
    );
  });

  it('is what the option date says', () => {
    fc.assert(
      fc.property(date, (moment) => {
        const bench = rtcBench({ options: { date: moment } });
        expect(readDate(bench)).toEqual({ date: wholeSeconds(moment), weekday: moment.getUTCDay() + 1 });
      }),
      { numRuns: times(33, 100) },
    );
  });

  it('that is set one byte at a time while the clock runs ends up the same, in whatever order', () => {
    fc.assert(
      fc.property(date, fc.infiniteStream(fc.nat()), (moment, order) => {
        const bench = rtcBench({ options: { date: new Date('2001-01-01T00:00:00Z') } });
        const bcd = (value: number) => Number.parseInt(String(value), 16);
        const bytes = [
          [Rtc.century, Math.floor(moment.getUTCFullYear() / 100)],
          [Rtc.year, moment.getUTCFullYear() % 100],
          [Rtc.month, moment.getUTCMonth() + 1],
          [Rtc.day, moment.getUTCDate()],
          [Rtc.hours, moment.getUTCHours()],
          [Rtc.minutes, moment.getUTCMinutes()],
          [Rtc.seconds, moment.getUTCSeconds()],
        ] as const;
        const ordered = bytes
          .map((byte) => ({ byte, rank: order.next().value as number }))
          .sort((a, b) => a.rank - b.rank);
        for (const { byte } of ordered) writeRtc(bench, byte[0], bcd(byte[1]));
        expect(readDate(bench).date).toEqual(wholeSeconds(moment));
      }),
      { numRuns: times(33, 100) },
    );
  });
});

describe('any bytes, legal or not', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const dse = fc.constantFrom(0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07);

  it('count the same whether they are looked at every now and then or once, and the same alarms come', () => {
    const registers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, Rtc.century];
    const waits = fc.array(fc.integer({ min: 0, max: 40 * 86_400 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.array(byte, { minLength: 11, maxLength: 11 }), dse, waits, (values, b, seconds) => {
        const run = (look: boolean) => {
          const bench = rtcBench();
          writeRtc(bench, Rtc.b, b | 0xa0);
          for (const [index, register] of registers.entries()) writeRtc(bench, register, values[index] as number);
          writeRtc(bench, Rtc.b, b | 0x20);
          for (const wait of seconds) {
            bench.clock.advance(wait * SECOND);
            if (look) for (const register of registers) readRtc(bench, register);
          }
          return [registers.map((register) => readRtc(bench, register)), bench.interrupts.irq.changes];
        };
        expect(run(true)).toEqual(run(false));
      }),
      { numRuns: times(20, 60) },
    );
  });
});

describe('any alarm', () => {
  const field = (most: number) => fc.oneof(fc.constant(undefined), fc.integer({ min: 0, max: most }));

  it('comes at the first later second that matches it', () => {
    fc.assert(
      fc.property(date, field(23), field(59), field(59), (moment, hours, minutes, seconds) => {
        const start = wholeSeconds(moment);
        const bench = rtcBench();
        writeRtc(bench, Rtc.b, 0x26);
        writeDate(bench, start);
        writeRtc(bench, Rtc.hoursAlarm, hours ?? 0xc0);
        writeRtc(bench, Rtc.minutesAlarm, minutes ?? 0xff);
        writeRtc(bench, Rtc.secondsAlarm, seconds ?? 0xe3);
        bench.clock.advance(86_400 * SECOND);
        const matches = (time: Date) =>
          (hours ?? time.getUTCHours()) === time.getUTCHours() &&
          (minutes ?? time.getUTCMinutes()) === time.getUTCMinutes() &&
          (seconds ?? time.getUTCSeconds()) === time.getUTCSeconds();
        let after = 1;
        while (!matches(new Date(start.getTime() + after * 1000))) after++;
        expect(bench.interrupts.irq.changes[0]).toEqual({ level: true, at: after * SECOND });
      }),
      { numRuns: times(20, 60) },
    );
  });
});
