import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineOptions, option } from '../../sdk/index.ts';
import { optionAsData } from '../../sdk/machine/snapshot/save.ts';
import { commandLineName, nearest } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';

const declared = defineOptions({
  baseYear: option.integer({ default: 1980, range: [0, 9999], description: 'year that 00 stands for' }),
  dmaMask: option.bigint({ default: 0xfffffffn, description: 'address bits the card can drive' }),
  ram: option.size({ default: 0x8000000, description: 'bytes on board' }),
  debug: option.boolean({ default: false, description: 'say more' }),
  lostTickPolicy: option.choice(['discard', 'slew'], { default: 'discard', description: 'what happens to lost ticks' }),
  date: option.date({ description: 'date at power-on' }),
  label: option.string({ description: 'text on the case' }),
  delay: option.integer({ description: 'wait before answering', unit: 'ns' }),
});

describe('options', () => {
  it('have their defaults when nothing is given, and undefined where there is none', () => {
    expect(declared.resolve()).toEqual({
      baseYear: 1980,
      dmaMask: 0xfffffffn,
      ram: 0x8000000,
      debug: false,
      lostTickPolicy: 'discard',
      date: undefined,
      label: undefined,
      delay: undefined,
    });
  });

  it('cannot be changed by the device that gets them', () => {
    expect(Object.isFrozen(declared.resolve({ baseYear: 0 }))).toBe(true);
  });

  it('are named as QEMU does on the command line', () => {
    expect(declared.names.map(commandLineName)).toEqual([
      'base_year',
      'dma_mask',
      'ram',
      'debug',
      'lost_tick_policy',
      'date',
      'label',
      'delay',
    ]);
  });

  it('say which sizes they take', () => {
    const limited = option.size({ description: 'longest transfer', range: [1, 64 * 1024] });
    expect(limited.expected).toBe('a size from 1 to 64K');
    expect(limited.problem(64 * 1024 + 1)).toBe('takes a size from 1 to 64K; 65537 is not that.');
  });

  it('say in help what their numbers count', () => {
    const burns = option.integer({ description: 'how long it burns', unit: 'ms', default: 20 });
    expect(defineOptions({ burns }).help()).toEqual(['burns=<integer>  how long it burns (default: 20 ms)']);
  });

  it('explain themselves', () => {
    expect(declared.help()).toEqual([
      'base_year=<integer>  year that 00 stands for (default: 1980)',
      'dma_mask=<integer>  address bits the card can drive (default: 0xfffffff)',
      'ram=<size>  bytes on board (default: 128M)',
      'debug=<bool>  say more (default: off)',
      'lost_tick_policy=<discard|slew>  what happens to lost ticks (default: discard)',
      'date=<date>  date at power-on',
      'label=<string>  text on the case',
      'delay=<integer>  wait before answering (ns)',
    ]);
  });

  it.each([
    ['base_year', '0x7bc', 1980],
    ['dma_mask', '0xffffffffffffffff', 0xffff_ffff_ffff_ffffn],
    ['ram', '64M', 64 * 1024 * 1024],
    ['ram', '1.5G', 1.5 * 1024 ** 3],
    ['ram', '0x1000', 4096],
    ['ram', '100', 100],
    ['debug', 'on', true],
    ['debug', 'no', false],
    ['lost_tick_policy', 'slew', 'slew'],
    ['label', 'a,b=c', 'a,b=c'],
    ['date', '2006-06-17T16:01:21', new Date(Date.UTC(2006, 5, 17, 16, 1, 21))],
    ['date', '2006-06-17', new Date(Date.UTC(2006, 5, 17))],
    ['date', '2006-06-17T16:01:21.5Z', new Date(Date.UTC(2006, 5, 17, 16, 1, 21, 500))],
  ])('read %s=%s', (name, text, value) => {
    expect(declared.parse(name, text).value).toEqual(value);
  });

  it.each<[name: string, text: string, code: string, ...named: string[]]>([
    ['base_year', '10000', 'bad-option', 'base_year'],
    ['base_year', '-1', 'bad-option', 'base_year'],
    ['base_year', '010', 'bad-option', 'base_year', '010'],
    ['base_year', '', 'bad-option', 'base_year'],
    ['delay', '1e3', 'bad-option', 'delay', '1e3'],
    ['delay', '0x20000000000001', 'bad-option', 'delay', '0x20000000000001'],
    ['dma_mask', '0x1ffffffffffffffff', 'bad-option', 'dma_mask'],
    ['ram', '64Q', 'bad-option', 'ram', '64Q'],
    ['ram', '0.3', 'bad-option', 'ram', '0.3'],
    ['debug', 'maybe', 'bad-option', 'debug', 'maybe'],
    ['lost_tick_policy', 'merge', 'bad-option', 'lost_tick_policy', 'merge'],
    ['date', '17.6.2006', 'bad-option', 'date', '17.6.2006'],
    ['date', '2006-13-40', 'bad-option', 'date', '2006-13-40'],
    ['date', '2006-02-30', 'bad-option', 'date', '2006-02-30'],
    ['base_yaer', '1', 'no-such-option', 'base_yaer'],
  ])('refuse %s=%s', (name, text, code, ...named) => {
    expectRefusal(() => declared.parse(name, text, 'rtc'), code, 'rtc', ...named);
  });

  it('report everything that is wrong with given values at once', () => {
    const given = { baseYear: 'x', debug: 1, date: new Date(Number.NaN), lostTickPolcy: 'slew', label: undefined };
    const problems = declared.problems(given, "device 'rtc'");
    const named = ['baseYear', 'debug', 'date', 'lostTickPolcy'];
    expect(problems.map(({ code }) => code)).toEqual(['bad-option', 'bad-option', 'bad-option', 'no-such-option']);
    for (const [index, name] of named.entries()) expect(problems[index]?.message).toContain(`'${name}'`);
    expect(problems.at(-1)?.message).toContain("'lostTickPolicy'");
    expect(declared.problems({ constructor: 1 }, 'rtc')).toHaveLength(1);
    expectRefusal(() => declared.resolve(given, 'rtc'), 'bad-option', 'baseYear', 'lostTickPolicy');
  });

  it('take the dates whose years have four digits, and read back what a snapshot writes of each', () => {
    const ends = ['0000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'];
    for (const text of [...ends, '2006-06-17T16:01:21.040Z']) {
      expect(declared.problems({ date: new Date(text) }, 'rtc')).toEqual([]);
      expect(declared.parse('date', String(optionAsData(new Date(text))), 'rtc').value).toEqual(new Date(text));
    }
    const beyond = [Date.parse(ends[0]!) - 1, Date.parse(ends[1]!) + 1, 8.64e15, -8.64e15];
    for (const time of beyond)
      expect(declared.problems({ date: new Date(time) }, 'rtc')).toMatchObject([
        { code: 'bad-option', message: expect.stringContaining("'date'") },
      ]);
  });

  it('read back what they write, whatever the number', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.bigInt(0n, 2n ** 64n - 1n),
        fc.nat(2 ** 31 - 1),
        fc.boolean(),
        (integer, wide, size, flag) => {
          const all = defineOptions({
            integer: option.integer({ description: '' }),
            wide: option.bigint({ description: '' }),
            size: option.size({ description: '' }),
            flag: option.boolean({ description: '' }),
          });
          for (const [name, value] of Object.entries({ integer, wide, size, flag })) {
            const text = all.declarations[name as keyof typeof all.declarations].format(value);
            expect(all.parse(name, text).value).toBe(value);
          }
          expect(all.parse('wide', `0x${wide.toString(16).toUpperCase()}`.replace('0X', '0x')).value).toBe(wide);
          const factor = { k: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
          for (const [suffix, bytes] of Object.entries(factor)) {
            const wanted = (size % 1024) * bytes;
            expect(all.parse('size', `${size % 1024}${suffix}`).value).toBe(wanted);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('never read as a number what is not one', () => {
    const all = defineOptions({ integer: option.integer({ description: '' }) });
    const text = fc.string({ unit: fc.constantFrom(...'0123456789abfxX+-. k'), maxLength: 6 });
    fc.assert(
      fc.property(text, (text) => {
        const [, sign, digits] = /^([+-]?)(0x[0-9a-f]+|0|[1-9]\d*)$/i.exec(text) ?? [];
        if (digits === undefined) expectRefusal(() => all.parse('integer', text), 'bad-option', 'integer');
        else expect(all.parse('integer', text).value).toBe((sign === '-' ? -1 : 1) * Number(digits) + 0);
      }),
      { numRuns: 500, examples: [['-0'], ['-0x1f'], ['+7'], ['00'], ['0x']] },
    );
  });
});

describe('the nearest name', () => {
  it('is what was most likely meant, or nothing', () => {
    const names = ['iobase', 'irq', 'base_year'];
    expect([nearest('iobsae', names), nearest('irk', names), nearest('zzzzzz', names)]).toEqual([
      'iobase',
      'irq',
      undefined,
    ]);
  });

  it('counts two swapped letters as one slip, and does not take another word for a slip', () => {
    expect([nearest('badc', ['abcd']), nearest('abcd', ['wxyz'])]).toEqual(['abcd', undefined]);
  });
});
