import { describe, expect, it } from 'vitest';
import { lowMask, masked, maskOf, swapBytes, wideLowMask } from '../../sdk/base/bits.ts';
import { camelCase, count, counted, didYouMean, hex, sentence, times, unknownWord } from '../../sdk/base/text.ts';

describe('text of messages', () => {
  it('writes numbers and bigints in hex, with a sign and leading zeros', () => {
    expect(hex(0x70)).toBe('0x70');
    expect(hex(2n ** 64n - 1n)).toBe('0xffffffffffffffff');
    expect(hex(-0x70)).toBe('-0x70');
    expect(hex(-1n, 4)).toBe('-0x0001');
    expect(hex(0xa, 2)).toBe('0x0a');
  });

  it('counts in English, whatever the locale of the host', () => {
    expect(count(41_342)).toBe('41,342');
    expect(counted(1, 'exit')).toBe('1 exit');
    expect(counted(41_342, 'exit')).toBe('41,342 exits');
    expect(counted(2, 'entry', 'entries')).toBe('2 entries');
    expect([times(1), times(2_000)]).toEqual(['once', '2,000 times']);
  });

  it('names a variable after a region', () => {
    expect([camelCase('pci-conf-idx'), camelCase('rtc'), camelCase('bar 0: registers')]).toEqual([
      'pciConfIdx',
      'rtc',
      'bar0Registers',
    ]);
  });

  it('ends a sentence once', () => {
    expect(sentence('the file is gone')).toBe('the file is gone.');
    expect(sentence('Is it gone?')).toBe('Is it gone?');
  });

  it('answers a word that means nothing with the word that was meant, or with all that are known', () => {
    expect(unknownWord({ is64bit: true }, ['is64Bit', 'kind'])).toBe("says 'is64bit'. Did you mean 'is64Bit'?");
    expect(unknownWord({ colour: 1 }, ['kind', 'size'])).toBe("says 'colour'. Known: kind, size.");
    expect(didYouMean('zz', [])).toBe('Known: none.');
    expect(didYouMean('zz', ['on'], 'Leave it out.')).toBe('Leave it out.');
    expect(unknownWord({ kind: 1 }, ['kind'])).toBeUndefined();
  });
});

describe('masks', () => {
  it('cover a range of bits, or the lowest bits, up to the widest word', () => {
    expect(maskOf({ low: 4, high: 7 })).toBe(0xf0n);
    expect(maskOf({ low: 0, high: 63 })).toBe(2n ** 64n - 1n);
    expect(maskOf({ low: 8, high: 4 })).toBe(0n);
    expect([lowMask(0), lowMask(32), lowMask(53)]).toEqual([0, 0xffff_ffff, Number.MAX_SAFE_INTEGER]);
    expect([wideLowMask(0), wideLowMask(64)]).toEqual([0n, 2n ** 64n - 1n]);
  });

  it('keep what an access of 1, 2 or 4 bytes holds, in either order of bytes', () => {
    expect([masked(-1, 1), masked(-1, 2), masked(-1, 4)]).toEqual([0xff, 0xffff, 0xffff_ffff]);
    expect([swapBytes(0x1122_3344, 4), swapBytes(0xff22_3344, 4)]).toEqual([0x4433_2211, 0x4433_22ff]);
    expect([swapBytes(0x1122, 2), swapBytes(0x11, 1)]).toEqual([0x2211, 0x11]);
  });
});
