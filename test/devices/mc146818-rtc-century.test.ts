import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../sdk/index.ts';
import { type RtcBench, readRtc, readTime, rtcBench, writeRtc } from './rtc-guest.ts';

const Day = 86_400 * SECOND;
/** Odd nanoseconds, so that a rounded one shows. */
const starts = [1, 2 ** 53 - SECOND, 2 ** 52 - 3 * SECOND - 1, BigInt(99 * 365 + 364) * BigInt(Day) + 7n] as const;

const rtcAt = (startAt: number | bigint, date = '2026-01-01T00:00:00Z') =>
  rtcBench({ startAt, options: { date: new Date(date) } });

/** When the interrupt line went up, since the machine was started. */
const rises = (rtc: RtcBench) =>
  rtc.interrupts.irq.changes.filter(({ level }) => level).map(({ at }) => rtc.clock.absolute(at));
type Step =
  | { readonly write: readonly [register: number, value: number] }
  | { readonly read: number }
  | { readonly wait: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      write: fc.oneof(
        fc.tuple(
          fc.constantFrom(0x0a, 0x0b),
          fc.constantFrom(0x26, 0x2f, 0x20, 0x23, 0x76, 0x66, 0x02, 0x42, 0x82, 0x72, 0x06),
        ),
        fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 0x59 })),
      ),
    }),
    fc.record({ read: fc.constantFrom(0, 2, 4, 7, 8, 9, 0x0a, 0x0c, 0x32) }),
    fc.record({
      wait: fc.constantFrom(1, 122_070, 30_517, 500 * MILLISECOND, SECOND - 1, 3 * SECOND + 1, 40 * SECOND),
    }),
  ),
  { maxLength: 25 },
);

describe('the real-time clock and the epoch of guest time', () => {
  it.each(starts)('started at %s ns, it answers and interrupts the same whenever the epoch moves', (startAt) => {
    fc.assert(
      fc.property(steps, fc.array(fc.integer({ min: 0, max: 24 }), { maxLength: 6 }), (script, moves) => {
        const run = (moved: readonly number[]) => {
          const rtc = rtcAt(startAt);
          const answers = script.map((step, index) => {
            if (moved.includes(index)) rtc.clock.rebase();
            if ('write' in step) writeRtc(rtc, ...step.write);
            else if ('wait' in step) rtc.clock.advance(step.wait);
            else return readRtc(rtc, step.read);
            return undefined;
          });
          return [...answers, ...rises(rtc)];
        };
        expect(run(moves)).toEqual(run([]));
      }),
      { numRuns: 20 },
    );
  });

  it('shows the right second after a century without a look, to the nanosecond', () => {
    const rtc = rtcAt(0);
    expect(readTime(rtc)).toBe('20 26 01 01 05 00 00 00');
    // Let go of the divider chain at 7 ns: updates begin half a second after that, end 1984 us later, and every second from then on.
    writeRtc(rtc, 0x0a, 0x70);
    rtc.clock.advance(7);
    writeRtc(rtc, 0x0a, 0x20);
    for (let year = 0; year < 100; year++) rtc.clock.advance(365 * Day);
    // 25 leap days are missing to a century.
    expect(readTime(rtc)).toBe('21 25 12 08 07 00 00 00');
    rtc.clock.advance(SECOND / 2 + 1_984_000 - 1);
    expect(readTime(rtc)).toBe('21 25 12 08 07 00 00 00');
    rtc.clock.advance(1);
    expect(readTime(rtc)).toBe('21 25 12 08 07 00 00 01');
  });

  it('held for a century, goes on where it was held', () => {
    const rtc = rtcAt(0);
    rtc.clock.advance(3 * SECOND + 250);
    writeRtc(rtc, 0x0a, 0x60);
    expect(readTime(rtc)).toBe('20 26 01 01 05 00 00 03');
    for (let year = 0; year < 100; year++) rtc.clock.advance(365 * Day + 1);
    expect(readTime(rtc)).toBe('20 26 01 01 05 00 00 03');
  });

  it.each(starts)('started at %s ns, ends its update cycles in one phase for a year', (startAt) => {
    const rtc = rtcAt(startAt);
    writeRtc(rtc, 0x0b, 0x12);
    for (let month = 0; month < 12; month++) {
      readRtc(rtc, 0x0c);
      rtc.interrupts.irq.clear();
      rtc.clock.advance(1 * SECOND);
      expect(rises(rtc).map((at) => (at - BigInt(startAt)) % BigInt(SECOND))).toEqual([0n]);
      rtc.clock.advance(30 * Day);
    }
  });

  it.each(starts)('started at %s ns, keeps the phase of its periodic interrupt', (startAt) => {
    const rtc = rtcAt(startAt);
    writeRtc(rtc, 0x0a, 0x2f);
    writeRtc(rtc, 0x0b, 0x42);
    for (let half = 0; half < 8; half++) {
      rtc.clock.advance(500 * MILLISECOND);
      readRtc(rtc, 0x0c);
      rtc.clock.rebase();
    }
    const seen = rises(rtc);
    const first = seen[0] ?? 0n;
    expect(seen).toHaveLength(8);
    expect(seen).toEqual(seen.map((_at, index) => first + BigInt(index * 500 * MILLISECOND)));
  });

  it('armed for an alarm, rings at that second of the day beyond 2^53 ns', () => {
    const rtc = rtcAt(2 ** 53 - SECOND);
    const start = BigInt(2 ** 53 - SECOND);
    writeRtc(rtc, 5, 0x23);
    writeRtc(rtc, 3, 0x59);
    writeRtc(rtc, 1, 0x58);
    writeRtc(rtc, 0x0b, 0x22);
    rtc.clock.advance(2 * SECOND);
    rtc.clock.rebase();
    rtc.clock.advance(1 * Day);
    expect(rises(rtc)).toEqual([start + BigInt(86_398) * BigInt(SECOND)]);
  });

  it.each([
    ['2099-12-31T23:59:59Z', '21 00 01 01 06 00 00 00'],
    ['2100-02-28T23:59:59Z', '21 00 03 01 02 00 00 00'],
    ['9999-12-31T23:59:58Z', '99 99 12 31 06 23 59 59'],
  ])('goes from %s to %s across a move of the epoch', (date, next) => {
    const rtc = rtcAt(2 ** 52 - SECOND, date);
    rtc.clock.rebase();
    rtc.clock.advance(1 * SECOND);
    expect(readTime(rtc)).toBe(next);
  });
});
