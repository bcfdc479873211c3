/** Masks of bit ranges and of widths. */

/** Bits `low` to `high` of a word, both inclusive. */
export interface BitRange {
  readonly low: number;
  readonly high: number;
}

/** Ones in the lowest `bits` bits, for up to 53 of them: the largest number that they hold. */
export const lowMask = (bits: number): number => 2 ** bits - 1;

/** Ones in the lowest `bits` bits, as a bigint. None for 0 or less. */
export const wideLowMask = (bits: number): bigint => (1n << BigInt(Math.max(bits, 0))) - 1n;

/** 1, 2, 4 and so on, as far as numbers are exact. */
export const isPowerOfTwo = (value: number): boolean =>
  Number.isSafeInteger(value) && value > 0 && 2 ** Math.round(Math.log2(value)) === value;

/** Ones in the bits of a range, where they stand in the word. */
export const maskOf = ({ low, high }: BitRange): bigint => wideLowMask(high - low + 1) << BigInt(low);

/** The low `size` bytes (1, 2 or 4) of a value, as an unsigned number. */
export function masked(value: number, size: number): number {
  return size === 1 ? value & 0xff : size === 2 ? value & 0xffff : value >>> 0;
}

/** The low `size` bytes (1, 2 or 4) of a value in the opposite order, as an unsigned number. */
export function swapBytes(value: number, size: number): number {
  if (size === 1) return value & 0xff;
  if (size === 2) return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
  return ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}
