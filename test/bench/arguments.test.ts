import { describe, expect, it } from 'vitest';
import { parseBenchArguments } from './arguments.ts';

describe('the words of npm run bench', () => {
  it('choose ratios with nine rounds, or served devices with five', () => {
    expect(parseBenchArguments([])).toEqual({ subject: 'ratios', only: '', rounds: 9, json: false });
    expect(parseBenchArguments(['serve'])).toEqual({ subject: 'serve', only: '', rounds: 5, json: false });
  });

  it('choose rows, rounds and the form', () => {
    const words = ['serve', '--only', 'disk', '--rounds', '3', '--json'];
    expect(parseBenchArguments(words)).toEqual({ subject: 'serve', only: 'disk', rounds: 3, json: true });
  });

  it('ask for the usage', () => {
    expect(parseBenchArguments(['serve', '--help'])).toBeUndefined();
  });

  it.each([
    [['server'], "There is no bench 'server'."],
    [['serve', 'disk'], "There is no bench 'serve disk'."],
    [['--rounds', '2'], "--rounds takes a whole number from 3 to 99, not '2'."],
    [['serve', '--rounds', '3.5'], "not '3.5'."],
    [['--runs', '3'], "Unknown option '--runs'"],
  ])('%j is refused', (words, why) => {
    expect(() => parseBenchArguments(words)).toThrow(why);
  });
});
