import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GuestErrors } from '../../sdk/runtime.ts';

describe('guest errors', () => {
  it('are loud once for each device and kind, then counted, with numbers making no new kind', () => {
    const said: string[] = [];
    const errors = new GuestErrors((device, message) => said.push(`${device}: ${message}`));
    errors.report('rtc', 'write to read-only register 0xc');
    errors.report('rtc', 'write to read-only register 0xd');
    errors.report('pic', 'write to read-only register 12');
    errors.report('rtc', 'the century is -1');
    expect(said).toEqual([
      'rtc: write to read-only register 0xc',
      'pic: write to read-only register 12',
      'rtc: the century is -1',
    ]);
    expect(errors.all.map(({ count }) => count)).toEqual([2, 1, 1]);
    expect(errors.total).toBe(4);
  });

  it('tell names apart that end in digits, and not what a scan of an array says', () => {
    const errors = new GuestErrors();
    for (const name of ['timer0', 'timer1', 'limits[3]', 'limits[14]']) errors.report('card', `wrote 0x1 to '${name}'`);
    expect(errors.all.map(({ message, count }) => [message, count])).toEqual([
      ["wrote 0x1 to 'timer0'", 1],
      ["wrote 0x1 to 'timer1'", 1],
      ["wrote 0x1 to 'limits[3]'", 2],
    ]);
  });

  it('are told of a device that is gone, and are loud anew of the one that takes its name', () => {
    const said: string[] = [];
    const errors = new GuestErrors((device, message) => said.push(`${device}: ${message}`));
    const kind = errors.report('rtc', 'write to 0xc');
    errors.report('rtc', 'write to 0xd');
    errors.report('pic', 'write to 0x1');
    expect(kind.isOpen).toBe(true);
    errors.leave('rtc');
    expect([kind.isOpen, errors.total]).toEqual([false, 3]);
    const next = errors.report('rtc', 'write to 0xe');
    errors.report('rtc', 'write to 0xf');
    errors.report('pic', 'write to 0x2');
    expect(said).toEqual(['rtc: write to 0xc', 'pic: write to 0x1', 'rtc: write to 0xe']);
    expect([next.isOpen, errors.total]).toEqual([true, 6]);
    expect(errors.all).toEqual([
      { device: 'rtc', message: 'write to 0xc', count: 4 },
      { device: 'pic', message: 'write to 0x1', count: 2 },
    ]);
    errors.clear();
    expect([next.isOpen, errors.total]).toEqual([false, 0]);
  });

  it('beyond the limit are told once more of the one that takes the name', () => {
    const said: string[] = [];
    const errors = new GuestErrors((_, message) => said.push(message));
    const letters = (n: number): string => `${String.fromCharCode(97 + (n >> 4))}${String.fromCharCode(97 + (n & 15))}`;
    for (let n = 0; n < 300; n++) errors.report('card', `command ${letters(n)}`);
    errors.leave('card');
    for (let n = 290; n < 300; n++) errors.report('card', `command ${letters(n)}`);
    expect(said.slice(257)).toEqual(['further kinds of errors, counted together']);
    expect([errors.all.length, errors.total]).toEqual([257, 310]);
  });

  it('can be forgotten, and are loud again then', () => {
    const said: string[] = [];
    const errors = new GuestErrors((_, message) => said.push(message));
    errors.report('rtc', 'a');
    errors.clear();
    expect(errors.all).toEqual([]);
    errors.report('rtc', 'a');
    expect(said).toEqual(['a', 'a']);
  });

  it('do not fill the memory, however many kinds a hostile guest invents, and none is lost from the count', () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 1000 }), (kinds) => {
        let said = 0;
        const errors = new GuestErrors(() => said++);
        const letters = (n: number): string => (n === 0 ? '' : letters(n >> 4) + 'abcdefghijklmnop'[n & 15]);
        for (let n = 0; n < kinds; n++) errors.report('card', `command ${letters(n)}`);
        expect(errors.all.length).toBe(257);
        expect(said).toBe(257);
        expect(errors.total).toBe(kinds);
        expect(errors.all.at(-1)?.message).toBe('further kinds of errors, counted together');
      }),
      { numRuns: 10 },
    );
  });
});
