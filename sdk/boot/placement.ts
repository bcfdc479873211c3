import type { CodePiece } from '../accelerator/guest/code.ts';
import { BackplaneError } from '../base/errors.ts';
import { count, hex } from '../base/text.ts';
import { type E820Entry, ExtendedMemory, e820OfPc, isRam } from './e820.ts';
import type { Elf32 } from './elf32.ts';

export const PageSize = 0x1000;
/** What is beyond belongs to devices. */
const MostRam = 3 * 2 ** 30;
/** Zeroes behind segments are given in pieces of the same bytes: a file that asks for many of them costs nothing. */
const ZeroesSize = 2 ** 20;
/** Interrupt vectors and the data of a BIOS are below. */
const FirstFree = PageSize;

export const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** The pieces of a boot image, each within the machine's RAM. */
export class Placement {
  readonly pieces: CodePiece[] = [];
  readonly map: readonly E820Entry[];
  /** Behind the highest piece above 1 MiB. */
  end = ExtendedMemory;
  private readonly zeroes = new Uint8Array(ZeroesSize);
  private readonly taken: { readonly start: number; readonly end: number }[] = [];
  private total = 0;

  /** @throws BackplaneError `boot-option` */
  constructor(
    private readonly name: string,
    private readonly ramSize: number,
  ) {
    if (
      !Number.isSafeInteger(ramSize) ||
      ramSize < 2 * ExtendedMemory ||
      ramSize > MostRam ||
      ramSize % PageSize !== 0
    ) {
      const range = `whole pages between ${2 * ExtendedMemory} and ${MostRam} bytes`;
      throw new BackplaneError(
        'boot-option',
        `${name}: ramSize is ${ramSize}. Give the size of the machine's RAM, ${range}.`,
      );
    }
    this.map = e820OfPc(ramSize);
  }

  /** Puts bytes and zeroes behind them at an address. @throws BackplaneError `boot-memory` */
  put(what: string, address: number, bytes: Uint8Array, size = bytes.length): void {
    this.total += size;
    if (!isRam(this.map, address, size) || this.total > this.ramSize) throw this.noRoom(what, address, size);
    if (bytes.length > 0) this.pieces.push({ address, bytes });
    for (let at = address + bytes.length; at < address + size; at += ZeroesSize)
      this.pieces.push({ address: at, bytes: this.zeroes.subarray(0, Math.min(ZeroesSize, address + size - at)) });
    this.taken.push({ start: address, end: address + size });
    if (address >= ExtendedMemory) this.end = Math.max(this.end, address + size);
  }

  /** Puts the segments of a program; answers the physical address where it begins. */
  putSegments({ entry, segments }: Elf32): number {
    for (const { physicalAddress, bytes, memorySize } of segments)
      this.put('a segment', physicalAddress, bytes, memorySize);
    const at = (from: 'physicalAddress' | 'virtualAddress') =>
      segments.find((one) => entry >= one[from] && entry < one[from] + one.memorySize);
    if (at('physicalAddress') !== undefined) return entry;
    const segment = at('virtualAddress');
    if (segment !== undefined) return entry - segment.virtualAddress + segment.physicalAddress;
    throw new BackplaneError(
      'elf-damaged',
      `${this.name}: it is a damaged ELF file: its entry ${hex(entry)} is in none of its segments. Get the file again.`,
    );
  }

  /** The lowest free page from which so many bytes of conventional memory are free. */
  freeLow(what: string, size: number): number {
    let start = FirstFree;
    for (;;) {
      const other = this.taken.find((one) => start < one.end && one.start < start + size);
      if (other === undefined && isRam(this.map, start, size)) return start;
      if (other === undefined) throw this.noRoom(what, start, size);
      start = roundUp(other.end, PageSize);
    }
  }

  noRoom(what: string, address: number, size: number): BackplaneError {
    return new BackplaneError(
      'boot-memory',
      `${this.name}: the machine has no RAM for the ${count(size)} bytes of ${what} at ${hex(address)}. It has ${count(this.ramSize)} bytes from 0 on, but ` +
        'for the hole below 1 MiB. Give it more RAM, or link the image elsewhere.',
    );
  }
}

/** Refuses what is no array of bytes. */
export function checkBytes(name: string, what: string, bytes: unknown): void {
  if (bytes instanceof Uint8Array && bytes.length > 0) return;
  throw new BackplaneError('boot-option', `${name}: ${what} has no bytes. Give a Uint8Array that is not empty.`);
}

/** A command line as the guest reads it, with a zero behind it; `longest` is in bytes. @throws BackplaneError `boot-command-line` */
export function commandLineBytes(name: string, line: string, longest: number): Uint8Array {
  const bytes = new TextEncoder().encode(`${line}\0`);
  if (typeof line !== 'string' || bytes.indexOf(0) < bytes.length - 1) {
    throw new BackplaneError(
      'boot-command-line',
      `${name}: the command line is no text without zeroes. Give a string.`,
    );
  }
  if (bytes.length - 1 <= longest) return bytes;
  throw new BackplaneError(
    'boot-command-line',
    `${name}: the command line has ${bytes.length - 1} bytes, and at most ${longest} reach the guest. Shorten it.`,
  );
}
