import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Bytes of a block of an overlay. */
const Block = 4096;
let made = 0;

/**
 * What was written to an image that stays as it is: a file without a name, which the system frees with the process. It has at most
 * the size of the image.
 */
export class Overlay {
  private readonly descriptor: number;
  /** One bit for each block that is here. */
  private readonly present: Uint8Array;

  constructor(
    private readonly size: number,
    private readonly readBelow: (offset: number, target: Uint8Array) => void,
  ) {
    const path = join(tmpdir(), `.backplane-${process.pid}-${made++}.overlay`);
    this.descriptor = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    this.present = new Uint8Array(Math.ceil(size / Block / 8));
  }

  read(offset: number, target: Uint8Array): void {
    this.split(offset, target, (block, at, part) => {
      if (this.has(block)) readAll(this.descriptor, at, part);
      else this.readBelow(at, part);
    });
  }

  write(offset: number, source: Uint8Array): void {
    this.split(offset, source, (block, at, part) => {
      if (!this.has(block) && part.length < Block) this.copyUp(block);
      writeAll(this.descriptor, at, part);
      this.present[block >> 3] = (this.present[block >> 3] as number) | (1 << (block & 7));
    });
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private copyUp(block: number): void {
    const start = block * Block;
    const whole = new Uint8Array(Math.min(Block, this.size - start));
    this.readBelow(start, whole);
    writeAll(this.descriptor, start, whole);
  }

  private has(block: number): boolean {
    return ((this.present[block >> 3] as number) & (1 << (block & 7))) !== 0;
  }

  private split(offset: number, bytes: Uint8Array, each: (block: number, at: number, part: Uint8Array) => void): void {
    for (let done = 0; done < bytes.length; ) {
      const at = offset + done;
      const block = Math.floor(at / Block);
      const count = Math.min(bytes.length - done, (block + 1) * Block - at);
      each(block, at, bytes.subarray(done, done + count));
      done += count;
    }
  }
}

/** Reads all of the target, or throws: a file that ends sooner has shrunk. */
export function readAll(descriptor: number, offset: number, target: Uint8Array): void {
  for (let done = 0; done < target.length; ) {
    const count = readSync(descriptor, target, done, target.length - done, offset + done);
    if (count === 0) throw new Error(`it ends before byte ${offset + target.length}: it has shrunk`);
    done += count;
  }
}

export function writeAll(descriptor: number, offset: number, source: Uint8Array): void {
  for (let done = 0; done < source.length; )
    done += writeSync(descriptor, source, done, source.length - done, offset + done);
}
