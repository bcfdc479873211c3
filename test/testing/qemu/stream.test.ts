import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExactly } from '../../../sdk/testing/qemu/stream.ts';

describe('JSON of an emulator', () => {
  it.each([
    '0.12345678901234567',
    '0.99999999999999999',
    '123.45678901234567890',
    '12345678901234567890.5',
    '-0.30000000000000004441',
    '12345678901234567890e0',
    '1234567890123456789E-3',
    '1e0000000000000000005',
    '1.5e+0000000000000000005',
  ])('has doubles of any length, with fraction or exponent: %s', (text) => {
    expect(parseExactly(`{"return": ${text}}`)).toEqual({ return: Number(text) });
    expect(parseExactly(`[${text},18446744073709551601, ${text}]`)).toEqual([
      Number(text),
      18446744073709551601n,
      Number(text),
    ]);
  });

  it.each<[string, unknown]>([
    ['18446744073709551601', 18446744073709551601n],
    ['-9223372036854775807', -9223372036854775807n],
    ['9007199254740991', 9007199254740991],
    ['9007199254740993', 9007199254740993n],
    ['0000000000000000', undefined],
  ])('has integers exactly: %s', (text, value) => {
    if (value === undefined) expect(() => parseExactly(text)).toThrow(SyntaxError);
    else expect(parseExactly(text)).toBe(value);
  });

  // The tokens of 2 MB of escaped quotes without an end would be looked for for hours.
  it.each([
    ['a text without an end', `{"return":"1234567890123456${'\\"'.repeat(1_000_000)}`],
    ['digits without an end', `{"return": ${'1'.repeat(1_000_000)}.`],
  ])('refuses %s at once', (_what, text) => {
    expect(() => parseExactly(text)).toThrow(SyntaxError);
  });

  it('leaves texts and keys alone, whatever digits and marks they hold', () => {
    const text = '{"0.12345678901234567": "#1234567890123456789", "#": "0.1234567890123456\\"12345678901234567890"}';
    expect(parseExactly(text)).toEqual(JSON.parse(text));
  });

  it('is what JSON.parse makes of it, where no integer is beyond 2^53', () => {
    const double = fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((value) => !/^-?\d{16,}$/.test(`${value}`));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), double)), (pairs) => {
        const text = JSON.stringify(pairs);
        expect(parseExactly(text)).toEqual(JSON.parse(text));
      }),
    );
  });
});
