import { areZero, equalBytes } from '../../base/bytes.ts';
import { BackplaneError } from '../../base/errors.ts';
import { count } from '../../base/text.ts';
import { type Checksum, crc32, crc64, noChecksum, packedTooLarge, type UnpackOptions } from '../packed.ts';
import { DamagedBlock, decodeLzma2 } from './lzma2.ts';
import { decodeBranches } from './x86-filter.ts';

/** @see The .xz File Format, sections 2.1.1 and 2.1.2 */
const HeaderMagic = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00);
const FooterMagic = Uint8Array.of(0x59, 0x5a);
const HeaderSize = 12;
/** By the number in the header. */
const checks: Readonly<Record<number, Checksum>> = { 0: noChecksum, 1: crc32, 4: crc64 };
const Filter = { X86: 0x04, Lzma2: 0x21 } as const;
/** Of a block: sizes may be in its header; the other bits are reserved or count filters. */
const BlockFlags = { FilterCount: 0x03, Reserved: 0x3c, HasPackedSize: 0x40, HasSize: 0x80 } as const;

export const isXz = (bytes: Uint8Array): boolean => equalBytes(bytes.subarray(0, HeaderMagic.length), HeaderMagic);
/** Each has tables of its own: a file of many empty ones would cost far more than its bytes. */
const MostBlocks = 0x4000;
const padded = (size: number): number => Math.ceil(size / 4) * 4;

/**
 * Unpacks one stream of XZ: LZMA2, alone or behind the filter for x86, with a CRC32, a CRC64 or no check. Its index says how long it becomes.
 *
 * @throws BackplaneError `xz-damaged`, `xz-unsupported`, `packed-too-large`
 */
export function unpackXz(bytes: Uint8Array, options: UnpackOptions): Uint8Array<ArrayBuffer> {
  const reader = new XzReader(bytes, options.name);
  const blocks = reader.index();
  const total = blocks.reduce((sum, { size }) => sum + size, 0);
  if (total > options.limit) throw packedTooLarge(options);
  const output = new Uint8Array(total);
  let [from, to] = [HeaderSize, 0];
  for (const { packed, size } of blocks) {
    reader.block(from, packed, output.subarray(to, to + size));
    from += padded(packed);
    to += size;
  }
  return output;
}

class XzReader {
  private at = 0;
  private readonly view: DataView;
  private readonly check: Checksum;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly name: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.demand(isXz(bytes) && bytes.length >= 2 * HeaderSize && bytes.length % 4 === 0, 'it is cut off');
    this.demand(this.hasSum(6, 8), 'the checksum of its header is wrong');
    const check = checks[bytes[7]!];
    if (bytes[6] !== 0 || check === undefined) throw this.unsupported(`its check is number ${bytes[7]}`);
    this.check = check;
  }

  /** Reads the index from the end of the file: the sizes of all blocks. They fill what is before it. */
  index(): { packed: number; size: number }[] {
    const { bytes, view } = this;
    const footer = bytes.length - HeaderSize;
    this.demand(equalBytes(bytes.subarray(-2), FooterMagic), 'it does not end as such a file');
    this.demand(
      crc32.matches(bytes.subarray(footer + 4, footer + 10), view, footer),
      'the checksum of its end is wrong',
    );
    const start = footer - (view.getUint32(footer + 4, true) + 1) * 4;
    const isWithin = start >= HeaderSize && bytes[start] === 0;
    this.demand(isWithin && view.getUint16(footer + 8) === view.getUint16(6), 'its end belongs to another file');
    this.demand(this.hasSum(start, footer - 4), 'the checksum of its index is wrong');
    this.at = start + 1;
    const blocks: { packed: number; size: number }[] = [];
    let end = HeaderSize;
    let left = this.number(footer);
    for (; left > 0 && end < start; left--) {
      if (blocks.length === MostBlocks) throw this.unsupported(`it has more than ${count(MostBlocks)} blocks`);
      const block = { packed: this.number(footer), size: this.number(footer) };
      blocks.push(block);
      end += padded(Math.max(block.packed, 1));
    }
    this.demand(left === 0 && end === start && padded(this.at) === footer - 4, 'its index is not that of this file');
    return blocks;
  }

  block(start: number, packed: number, output: Uint8Array): void {
    const { bytes, check } = this;
    const filters = start + (bytes[start]! + 1) * 4;
    const end = start + packed - check.size;
    this.demand(bytes[start] !== 0 && filters <= end, 'the header of a block is too long');
    this.demand(this.hasSum(start, filters - 4), 'the checksum of a block header is wrong');
    const { dictionarySize, origin } = this.header(start + 1, filters - 4, output.length);
    try {
      this.at = decodeLzma2(bytes.subarray(0, end), filters, output, dictionarySize);
    } catch (cause) {
      if (!(cause instanceof DamagedBlock)) throw cause;
      this.demand(false, `of a block, ${cause.message}`);
    }
    if (origin !== undefined) decodeBranches(output, origin);
    this.demand(this.at === end && areZero(bytes, end, padded(end)), 'a block has not the size of its index');
    this.demand(check.matches(output, this.view, padded(end)), 'the checksum of a block is wrong');
  }

  /** The filters. An origin is given for the one for x86. */
  private header(start: number, end: number, size: number): { dictionarySize: number; origin: number | undefined } {
    const flags = this.bytes[start]!;
    this.at = start + 1;
    if (flags & BlockFlags.Reserved) throw this.unsupported('a block has flags of a later format');
    if (flags & BlockFlags.HasPackedSize) this.number(end);
    if (flags & BlockFlags.HasSize) this.demand(this.number(end) === size, 'a block has not the size of its index');
    let origin: number | undefined;
    for (let left = flags & BlockFlags.FilterCount; left >= 0; left--) {
      const [filter, propertySize] = [this.number(end), this.number(end)];
      const properties = this.at;
      this.at += propertySize;
      this.demand(this.at <= end, 'the header of a block is too short');
      if (filter === Filter.Lzma2 && left === 0 && propertySize === 1 && this.bytes[properties]! <= 40)
        return { dictionarySize: dictionarySize(this.bytes[properties]!), origin };
      if (filter !== Filter.X86 || origin !== undefined || (propertySize !== 0 && propertySize !== 4)) break;
      origin = propertySize === 0 ? 0 : this.view.getUint32(properties, true);
    }
    throw this.unsupported('its filters are others than LZMA2, or x86 and LZMA2');
  }

  private hasSum(start: number, end: number): boolean {
    return crc32.matches(this.bytes.subarray(start, end), this.view, end);
  }

  /** A number in at most 9 groups of 7 bits, lowest first. */
  private number(end: number): number {
    let value = 0;
    for (let group = 0; ; group++) {
      this.demand(group < 9 && this.at < end, 'a number in it does not end');
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * 2 ** (7 * group);
      if (byte < 0x80) return value;
    }
  }

  private demand(isSo: boolean, why: string): void {
    if (!isSo) throw new BackplaneError('xz-damaged', `${this.name}: it is damaged XZ: ${why}. Get the file again.`);
  }

  private unsupported(why: string): BackplaneError {
    const can = `LZMA2, alone or behind the filter for x86, with CRC32, CRC64 or no check, in at most ${count(MostBlocks)} blocks`;
    return new BackplaneError(
      'xz-unsupported',
      `${this.name}: this XZ is not understood: ${why}. Pack it with ${can}.`,
    );
  }
}

/** 2 or 3 times a power of two, from 4 KiB on. @see The .xz File Format, section 5.3.1 */
const dictionarySize = (byte: number): number =>
  byte === 40 ? 2 ** 32 - 1 : (2 | (byte & 1)) * 2 ** ((byte >> 1) + 11);
