import { fromHex } from '../../sdk/base/bytes.ts';
import { packed } from './xz-fixtures.ts';

/** Lines that are alike. */
export const text: Uint8Array = new TextEncoder().encode(
  Array.from(
    { length: 40 },
    (_, line) => `line ${(line * line) % 97} of a text that repeats itself, and not quite\n`,
  ).join(''),
);

/** Calls of one function from many places, and opcodes of calls within offsets of others. */
export const code: Uint8Array = codeBytes();

function codeBytes(): Uint8Array {
  const bytes: number[] = [];
  for (let call = 0; call < 40; call++) {
    const offset = 0x400 - bytes.length - 8;
    bytes.push(0x55, 0x89, 0xe5, 0xe8, ...[0, 8, 16, 24].map((shift) => (offset >> shift) & 0xff), 0xc3);
    if (call % 5 === 0) bytes.push(0xe8, 0xe9, 0, 0xe8, 0, 0, 0xff, 0xe9, 0xe8, 0xff, 0, 0xff, 0xff);
  }
  return Uint8Array.from(bytes);
}

export const fixture = (name: keyof typeof packed): Uint8Array<ArrayBuffer> =>
  fromHex(packed[name]) as Uint8Array<ArrayBuffer>;

export interface XzBlock {
  /** Chunks of LZMA2. */
  readonly body: Uint8Array;
  readonly size: number;
  /** Default: LZMA2 with a dictionary of 8 MiB. */
  readonly filters?: readonly number[];
  /** In the header: more than the count of filters. */
  readonly flags?: number;
  readonly check?: readonly number[];
}

const Lzma2 = [0x21, 1, 0x16] as const;

/** A whole file with right checksums around blocks of any content. */
export function xzFile(blocks: readonly XzBlock[], check = 0, count = blocks.length): Uint8Array<ArrayBuffer> {
  const flags = [0, check];
  const bytes = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, ...flags, ...sum(flags)];
  const index = [0, ...number(count)];
  for (const { body, size, filters = Lzma2, flags: more = 0, check: checkBytes = [] } of blocks) {
    const filterCount = filters === Lzma2 || filters.length < 4 ? 1 : 2;
    const content = [more | (filterCount - 1), ...filters];
    while (content.length % 4 !== 3) content.push(0);
    const header = [(content.length + 1) / 4, ...content];
    bytes.push(...header, ...sum(header), ...body);
    index.push(...number(header.length + 4 + body.length + checkBytes.length), ...number(size));
    while (bytes.length % 4 !== 0) bytes.push(0);
    bytes.push(...checkBytes);
  }
  while (index.length % 4 !== 0) index.push(0);
  const end = [...word((index.length + 4) / 4 - 1), ...flags];
  return Uint8Array.from([...bytes, ...index, ...sum(index), ...sum(end), ...end, 0x59, 0x5a]);
}

/** A stored chunk that begins a dictionary, and the end. */
export const stored = (content: Uint8Array): Uint8Array =>
  Uint8Array.from([1, (content.length - 1) >> 8, (content.length - 1) & 0xff, ...content, 0]);

/** The body of the only block of a file that `xz` wrote with a block header of 12 bytes and a check of so many. */
export function bodyOf(file: Uint8Array, checkSize: number): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset);
  const index = file.length - 12 - (view.getUint32(file.length - 8, true) + 1) * 4;
  let [unpadded, at] = [0, index + 2];
  for (let shift = 0; ; shift += 7) {
    const byte = file[at++] as number;
    unpadded |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return file.slice(24, 12 + unpadded - checkSize);
}

const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

function number(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) + 0x80, ...number(Math.floor(value / 0x80))];
}

/** CRC-32, bit by bit. */
export function sum(bytes: Iterable<number>): number[] {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb8_8320 & -(crc & 1));
  }
  return word(~crc);
}
