import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areZero, compareBytes, equalBytes, fromBase64, fromHex, toBase64, toHex } from '../../sdk/base/bytes.ts';

const bytes = fc.uint8Array({ maxLength: 100 });
/** Texts that are nearly right: digits of the alphabet, padding, and what a lenient decoder passes over. */
const nearly = (alphabet: string) => fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 12 });

describe('bytes as hexadecimal digits', () => {
  it('are what Buffer writes, and come back', () => {
    fc.assert(
      fc.property(bytes, (given) => {
        expect(toHex(given)).toBe(Buffer.from(given).toString('hex'));
        expect(fromHex(toHex(given))).toEqual(given);
      }),
    );
  });

  it('are read only in the form in which they are written', () => {
    fc.assert(
      fc.property(nearly('0189aef gAF é'), (text) => {
        const lenient = new Uint8Array(Buffer.from(text, 'hex'));
        expect(fromHex(text)).toEqual(toHex(lenient) === text ? lenient : undefined);
      }),
    );
    expect([fromHex('0'), fromHex('0A'), fromHex('0x10'), fromHex('ÿÿ')]).toEqual(new Array(4).fill(undefined));
    expect(fromHex('')).toEqual(new Uint8Array());
  });
});

describe('bytes as base64', () => {
  it('are what Buffer writes, and come back', () => {
    fc.assert(
      fc.property(bytes, (given) => {
        expect(toBase64(given)).toBe(Buffer.from(given).toString('base64'));
        expect(fromBase64(toBase64(given))).toEqual(given);
      }),
    );
  });

  it('are read only in the form in which they are written', () => {
    fc.assert(
      fc.property(nearly('AQgw/+-_= \n9é'), (text) => {
        const lenient = new Uint8Array(Buffer.from(text, 'base64'));
        expect(fromBase64(text)).toEqual(toBase64(lenient) === text ? lenient : undefined);
      }),
      { numRuns: 1000 },
    );
    const damaged = ['AA', 'AA=', 'AB==', 'AAB=', 'A===', '====', 'AA==AA==', 'AA A', 'AA-_', 'ŁAAA'];
    expect(damaged.map(fromBase64)).toEqual(damaged.map(() => undefined));
    expect(fromBase64('')).toEqual(new Uint8Array());
  });

  it('may be many, and a part of a larger buffer', () => {
    const whole = Uint8Array.from({ length: 200_003 }, (_, at) => (at * 7919) & 0xff);
    const part = whole.subarray(1);
    expect(toBase64(part)).toBe(Buffer.from(part).toString('base64'));
    const back = [fromBase64(toBase64(part)), fromHex(toHex(part))];
    expect(back.map((read) => read !== undefined && equalBytes(read, part))).toEqual([true, true]);
  });
});

describe('two byte arrays', () => {
  it('compare as Buffer compares them', () => {
    const few = fc.uint8Array({ maxLength: 4, max: 2 });
    fc.assert(
      fc.property(few, few, (left, right) => {
        expect(Math.sign(compareBytes(left, right))).toBe(Buffer.compare(left, right));
        expect(equalBytes(left, right)).toBe(Buffer.from(left).equals(right));
      }),
    );
  });

  it('are equal only if each byte is, wherever they lie in their buffers', () => {
    const start = fc.nat(5);
    fc.assert(
      fc.property(bytes, start, start, fc.nat(), (given, left, right, at) => {
        const placed = (offset: number) => {
          const whole = new Uint8Array(offset + given.length);
          whole.set(given, offset);
          return whole.subarray(offset);
        };
        const changed = placed(right);
        expect(equalBytes(placed(left), changed)).toBe(true);
        if (given.length === 0) return;
        changed[at % given.length]! ^= 0x80;
        expect(equalBytes(placed(left), changed)).toBe(false);
      }),
    );
  });

  it('are all zero only if each byte is, from any place to any other', () => {
    const place = fc.nat(200);
    fc.assert(
      fc.property(place, place, place, (start, end, other) => {
        const whole = new Uint8Array(256).subarray(other % 9);
        expect(areZero(whole, start, end)).toBe(true);
        whole[other] = 0x80;
        expect(areZero(whole, start, end)).toBe(other < start || other >= end);
      }),
    );
  });
});
