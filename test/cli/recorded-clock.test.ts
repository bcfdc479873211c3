import { describe, expect, it } from 'vitest';
import { TraceParser } from '../../sdk/accelerator/index.ts';
import { recordedClock } from '../../sdk/cli/replay/recorded-clock.ts';

const MILLISECOND = 1_000_000;

/** A recording of a guest that reads registers of the clock: [milliseconds, register, value], or writes them. */
function clockOf(...accesses: [time: number, register: number, value: number, kind?: 'written'][]) {
  const parser = new TraceParser('clock');
  const lines = accesses.flatMap(([time, register, value, kind]) => [
    `${time * MILLISECOND} PW 70 1 ${(register | 0x80).toString(16)}`,
    `${time * MILLISECOND} ${kind === 'written' ? 'PW' : 'PR'} 71 1 ${value.toString(16)}`,
  ]);
  parser.push(new TextEncoder().encode(`# iotrace v1\n${lines.join('\n')}\n`));
  return recordedClock(parser.end());
}

type Reading = [time: number, register: number, value: number];

/** Seconds, minutes, hours, day, month and year, all read at once. */
const wholeDate = (time: number, ...[seconds, minutes, hours, day, month, year]: number[]): Reading[] =>
  [seconds, minutes, hours, day, month, year].map((value, index) => [time, [0, 2, 4, 7, 8, 9][index]!, value!]);

describe('the date at which a recording began', () => {
  it('is what the guest read, less the time that had passed', () => {
    const clock = clockOf(...wholeDate(3_000, 0x05, 0x59, 0x23, 0x31, 0x12, 0x99), [3_000, 0x32, 0x19]);
    // Between 23:59:05 and 23:59:06 after three seconds: half a second is the middle, and the error either way.
    expect(clock?.date.toISOString()).toBe('1999-12-31T23:59:02.500Z');
    expect(clock?.uncertainty).toBe(500 * MILLISECOND);
  });

  it('takes the century from the recording where the guest had asked for it before', () => {
    const clock = clockOf([0, 0x32, 0x19], ...wholeDate(0, 0x00, 0x00, 0x12, 0x04, 0x07, 0x76));
    expect(clock?.date.toISOString()).toBe('1976-07-04T12:00:00.500Z');
  });

  it('is narrowed down by every further reading of the seconds', () => {
    const readings = wholeDate(0, 0x10, 0x00, 0x08, 0x01, 0x01, 0x26);
    const clock = clockOf(...readings, [700, 0, 0x10], [750, 0, 0x11], [60_720, 0, 0x10]);
    expect(clock?.date.toISOString()).toBe('2026-01-01T08:00:10.265Z');
    expect(clock?.uncertainty).toBe(15 * MILLISECOND);
    expect(clock?.readings).toBe(4);
  });

  it('does not heed a reading that contradicts the others', () => {
    const readings = wholeDate(0, 0x10, 0x00, 0x08, 0x01, 0x01, 0x26);
    const clock = clockOf(...readings, [100, 0, 0x45]);
    expect(clock?.date.toISOString()).toBe('2026-01-01T08:00:10.500Z');
    expect(clock?.readings).toBe(1);
  });

  it.each([
    ['binary', 0x06, [59, 30, 23, 28, 2, 26], '2026-02-28T23:30:59.500Z'],
    ['twelve hours and BCD', 0x00, [0x59, 0x30, 0x91, 0x28, 0x02, 0x26], '2026-02-28T23:30:59.500Z'],
    ['twelve hours, midnight', 0x00, [0x00, 0x00, 0x12, 0x28, 0x02, 0x26], '2026-02-28T00:00:00.500Z'],
    ['twelve hours, noon', 0x00, [0x00, 0x00, 0x92, 0x28, 0x02, 0x26], '2026-02-28T12:00:00.500Z'],
  ])('obeys how the clock writes its numbers: %s', (_, statusB, date, expected) => {
    const clock = clockOf([0, 0x0b, statusB], ...wholeDate(0, ...date));
    expect(clock?.date.toISOString()).toBe(expected);
  });

  it('is not looked for behind the place where the guest sets the clock', () => {
    const readings = wholeDate(10, 0x10, 0x00, 0x08, 0x01, 0x01, 0x26);
    expect(clockOf([0, 9, 0x30, 'written'], ...readings)).toBeUndefined();
    expect(clockOf([0, 1, 0x30, 'written'], ...readings)).toBeDefined();
  });

  it('is unknown when the guest never asked for the time, and of some day when it only asked for that', () => {
    expect(clockOf([0, 0x0f, 0])).toBeUndefined();
    expect(clockOf([0, 0, 0x30], [0, 2, 0x15], [0, 4, 0x09])?.date.toISOString()).toBe('2026-01-01T09:15:30.500Z');
  });

  it('is unknown where the guest read what no clock shows, or read it with the wrong width', () => {
    expect(clockOf(...wholeDate(0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), [0, 0x32, 0xff])).toBeUndefined();
    const parser = new TraceParser('wide');
    const wide = [0, 2, 4, 7, 8, 9].map((register) => `0 PW 70 1 ${register}\n0 PR 71 4 7fffffff\n`).join('');
    parser.push(new TextEncoder().encode(`# iotrace v1\n${wide}`));
    expect(recordedClock(parser.end())).toBeUndefined();
  });
});
