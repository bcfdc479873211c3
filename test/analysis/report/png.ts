import { inflateSync } from 'node:zlib';

/** The pixels of a PNG of 8 bits a channel, as Chromium's screenshots are. */
export class Picture {
  private constructor(
    readonly width: number,
    readonly height: number,
    private readonly channels: number,
    private readonly bytes: Uint8Array,
  ) {}

  static decode(file: Buffer): Picture {
    const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
    const channels = { 2: 3, 6: 4 }[file[25]!];
    if (file[24] !== 8 || channels === undefined || file[28] !== 0) throw new Error('not a screenshot of Chromium');
    const parts: Buffer[] = [];
    for (let at = 8; at < file.length; ) {
      const length = file.readUInt32BE(at);
      if (file.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(file.subarray(at + 8, at + 8 + length));
      at += length + 12;
    }
    return new Picture(width, height, channels, unfilter(inflateSync(Buffer.concat(parts)), width, height, channels));
  }

  /** `#18864b` */
  colour(x: number, y: number): string {
    const at = (y * this.width + x) * this.channels;
    return `#${[0, 1, 2].map((part) => this.bytes[at + part]!.toString(16).padStart(2, '0')).join('')}`;
  }

  count(colour: string): number {
    let found = 0;
    for (let y = 0; y < this.height; y++)
      for (let x = 0; x < this.width; x++) if (this.colour(x, y) === colour) found++;
    return found;
  }

  /** Upright blocks of one colour that begin at column `x`, from the top: where each begins, how wide and high it is. */
  blocksAt(x: number, colour: string): { top: number; width: number; height: number }[] {
    const blocks: { top: number; width: number; height: number }[] = [];
    for (let y = 0; y < this.height; y++) {
      if (this.colour(x, y) !== colour) continue;
      let width = 0;
      while (x + width < this.width && this.colour(x + width, y) === colour) width++;
      const last = blocks.at(-1);
      if (last !== undefined && last.top + last.height === y) {
        last.height++;
        last.width = Math.max(last.width, width);
      } else blocks.push({ top: y, width, height: 1 });
    }
    return blocks;
  }
}

function unfilter(raw: Buffer, width: number, height: number, channels: number): Uint8Array {
  const line = width * channels;
  const out = new Uint8Array(line * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (line + 1)]!;
    for (let x = 0; x < line; x++) {
      const left = x < channels ? 0 : out[y * line + x - channels]!;
      const up = y === 0 ? 0 : out[(y - 1) * line + x]!;
      const corner = x < channels || y === 0 ? 0 : out[(y - 1) * line + x - channels]!;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!;
      out[y * line + x] = raw[y * (line + 1) + 1 + x]! + guess;
    }
  }
  return out;
}

function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(left + up - corner - value)) as [number, number, number];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
