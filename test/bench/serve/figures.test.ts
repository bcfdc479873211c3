import { describe, expect, it } from 'vitest';
import { median } from '../median.ts';
import { rateOf } from './disk.ts';
import { type FigureTable, formatFigures, judge } from './figures.ts';
import { interruptsPerSecond } from './interrupts.ts';

const table: FigureTable = {
  name: 'registers',
  title: 'A register',
  unit: 'us',
  digits: 1,
  series: [
    { what: 'read', side: 'C', rounds: [10, 40, 20] },
    { what: 'read', side: 'ours', rounds: [14, 44, 36] },
    { what: 'write', side: 'ours', rounds: [5, 6] },
  ],
  goals: [
    { what: 'read', side: 'ours', limit: 40 },
    { what: 'read', side: 'ours', limit: 1.3, of: 'C' },
    { what: 'read', side: 'ours', limit: 1.25, of: 'C', atLeast: true },
    { what: 'read', side: 'theirs', limit: 1 },
    { what: 'write', side: 'ours', limit: 1, of: 'C' },
  ],
};

describe('figures of served devices', () => {
  it('have the median of the rounds', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])]).toEqual([2, 2.5, 7]);
    expect(median([])).toBeNaN();
  });

  it('are judged by their own limit, and by ratios round by round; a row that is not there has no goal', () => {
    // The ratio of the medians would be 1.8.
    expect(judge(table).map(({ value, holds }) => [value, holds])).toEqual([
      [36, true],
      [1.4, false],
      [1.4, true],
    ]);
  });

  it('are a row for each side, with the goals below', () => {
    expect(formatFigures(table).split('\n')).toEqual([
      'A register',
      '',
      '         side    us       spread  of the first',
      '  read   C     20.0  10.0 - 40.0',
      '  read   ours  36.0  14.0 - 44.0         1.40x',
      '  write  ours   5.5    5.0 - 6.0',
      '',
      '  goal: read, ours, at most 40 us. It is 36.0 us: holds.',
      '  goal: read, ours, at most 1.30 times C. It is 1.40 times: missed.',
      '  goal: read, ours, at least 1.25 times C. It is 1.40 times: holds.',
    ]);
  });

  it('have no column of ratios where there is one side', () => {
    const text = formatFigures({ ...table, series: table.series.slice(2), goals: [] });
    expect(text.split('\n').slice(2)).toEqual(['         side   us     spread', '  write  ours  5.5  5.0 - 6.0']);
  });
});

const dd = '256+0 records in\n256+0 records out\n';

describe("a guest's output", () => {
  it('says how fast a disk was read, in four passes', () => {
    expect(rateOf(`10.50 3.20\n${dd.repeat(4)}12.50 3.90\n`)).toBe(512);
  });

  it.each([
    ['a pass too few', `10.50 3.20\n${dd.repeat(3)}12.50 3.90\n`],
    ['no time between', `10.50 3.20\n${dd.repeat(4)}10.50 3.20\n`],
    ['no times', dd.repeat(4)],
    ['nothing', ''],
  ])('that says no rate of a disk is refused: %s', (_, said) => {
    expect(() => rateOf(said)).toThrow('dd was to read 256 MiB 4 times, and says: ');
  });

  const line = (count: number, address: string) => ` 25: ${count} PCI-MSIX-${address} 1-edge virtio1-input\n`;
  const look = (seconds: string, own: number, other: number) =>
    `${seconds} 1.00\n      CPU0\n${line(own, '0000:00:11.0')}${line(other, '0000:00:10.0')}END\n`;

  it('says how many interrupts a function has given in a second', () => {
    expect(interruptsPerSecond(look('7.00', 100, 5) + look('10.00', 30_100, 9000), '0000:00:11.0')).toBe(10_000);
  });

  it.each([
    ['none came', look('7.00', 100, 5) + look('10.00', 100, 9)],
    ['no time between', look('7.00', 100, 5) + look('7.00', 200, 9)],
    ['one table', look('7.00', 1, 5)],
    ['nothing', ''],
  ])('that says no interrupts is refused: %s', (_, said) => {
    expect(() => interruptsPerSecond(said, '0000:00:11.0')).toThrow('The function at 0000:00:11.0 has given no');
  });
});
