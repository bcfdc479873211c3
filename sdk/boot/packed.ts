import { BackplaneError } from '../base/errors.ts';
import { count } from '../base/text.ts';

/** A checksum over bytes, with reflected bits: CRC-32 of IEEE 802.3 or CRC-64 of ECMA-182. @see The .xz File Format, section 6 */
export class Checksum {
  private readonly table = new Int32Array(2 * 256);

  /** The polynomial in words of 32 bits, lowest first: none, one or two. */
  constructor(private readonly polynomial: readonly number[]) {
    const [lowPart = 0, highPart = 0] = polynomial;
    for (let entry = 0; entry < 256; entry++) {
      let [low, high] = [entry, 0];
      for (let bit = 0; bit < 8; bit++) {
        const mask = -(low & 1);
        low = ((low >>> 1) | (high << 31)) ^ (lowPart & mask);
        high = (high >>> 1) ^ (highPart & mask);
      }
      this.table.set([low, high], 2 * entry);
    }
  }

  /** In bytes. */
  get size(): number {
    return 4 * this.polynomial.length;
  }

  /** Whether the checksum of the bytes is what `view` has at an offset. */
  matches(bytes: Uint8Array, view: DataView, at: number): boolean {
    const { table, polynomial } = this;
    let [low, high] = [-1, polynomial.length === 2 ? -1 : 0];
    for (let index = 0; index < bytes.length; index++) {
      const entry = 2 * ((low ^ bytes[index]!) & 0xff);
      low = ((low >>> 8) | (high << 24)) ^ table[entry]!;
      high = (high >>> 8) ^ table[entry + 1]!;
    }
    return polynomial.every((_, word) => view.getInt32(at + 4 * word, true) === ~(word === 0 ? low : high));
  }
}

export const noChecksum = new Checksum([]);
export const crc32 = new Checksum([0xedb8_8320]);
export const crc64 = new Checksum([0xd787_0f42, 0xc96c_5795]);

/** What is unpacked is untrusted: it says how long it becomes, and may lie. */
export interface UnpackOptions {
  /** How messages call it. */
  readonly name: string;
  /** In bytes: what would become longer is refused. */
  readonly limit: number;
}

export const packedTooLarge = ({ name, limit }: UnpackOptions): BackplaneError =>
  new BackplaneError(
    'packed-too-large',
    `${name}: unpacked it would have more than ${count(limit)} bytes. Give the machine more RAM.`,
  );
