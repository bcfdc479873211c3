import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';

/**
 * A half-open range of addresses. `size` may be 2^64, the whole space; `start` may be negative while an alias is being
 * rendered. Sums above 2^53 are kept to 4 KiB (see decisions/0002-numbers.md).
 */
export interface AddressRange {
  readonly start: number;
  readonly size: number;
}

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;

/** The size of everything that 64 address bits can name. */
export const WholeSpace = 2 ** 64;

export function rangesIntersect(a: AddressRange, b: AddressRange): boolean {
  return a.start < b.start + b.size && b.start < a.start + a.size;
}

export function intersectRanges(a: AddressRange, b: AddressRange): AddressRange | undefined {
  const start = Math.max(a.start, b.start);
  const end = Math.min(a.start + a.size, b.start + b.size);
  return end > start ? { start, size: end - start } : undefined;
}

/** What is left of `range` outside `hole`: nothing, one piece or two. */
export function subtractRange(range: AddressRange, hole: AddressRange): AddressRange[] {
  if (!rangesIntersect(range, hole)) return range.size > 0 ? [range] : [];
  const rest: AddressRange[] = [];
  const end = range.start + range.size;
  const holeEnd = hole.start + hole.size;
  if (hole.start > range.start) rest.push({ start: range.start, size: hole.start - range.start });
  if (holeEnd < end) rest.push({ start: holeEnd, size: end - holeEnd });
  return rest;
}

/** An address as QEMU prints it: lower-case hex, no prefix, exact up to 2^64; negative numbers wrap. */
export function formatAddress(address: number | bigint, digits = 16): string {
  const value = BigInt(address);
  return (value < 0n ? BigInt.asUintN(64, value) : value).toString(16).padStart(digits, '0');
}

/** `0x70..0x71`, both inclusive; an empty range names its start. */
export function describeRange(start: number, size: number): string {
  return size <= 1 ? hex(start) : `${hex(start)}..${hex(BigInt(start) + BigInt(size) - 1n)}`;
}

const largestExact = Number.MAX_SAFE_INTEGER;

function exact(value: number | bigint, limit: number, what: string): number {
  const asNumber = Number(value);
  const fits =
    asNumber >= 0 &&
    asNumber <= limit &&
    (typeof value === 'bigint' ? BigInt(asNumber) === value : Number.isInteger(value)) &&
    (asNumber <= largestExact || asNumber % 4096 === 0);
  if (fits) return asNumber;
  throw new BackplaneError(
    'address-out-of-range',
    `${what} is ${typeof value === 'bigint' || Number.isInteger(value) ? hex(value) : value}. ` +
      'Give a whole number from 0 to 2^53 - 1, or a multiple of 4 KiB up to 2^64.',
  );
}

/** Accepts what fits and refuses the rest; `what` begins the sentence: `Region 'pci': its address`. */
export function toAddress(value: number | bigint, what: string): number {
  return exact(value, WholeSpace - 4096, what);
}

/** As toAddress, but 2^64 itself is a size. */
export function toSize(value: number | bigint, what: string): number {
  return exact(value, WholeSpace, what);
}
