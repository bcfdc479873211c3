import { count, hex } from '../base/text.ts';
import { type CodeBits, type Encoded, type Fixup, signed } from './encoding.ts';
import { type FailHere, failAt, type SourcePlace } from './errors.ts';
import type { Value } from './operands.ts';

/** Bytes whose number is known when they are written. */
interface Bytes extends Encoded {
  readonly kind: 'bytes';
  readonly place: SourcePlace;
  readonly segmentBase: number;
}

/** A jump: short if its target is near enough. */
interface Jump {
  readonly kind: 'jump';
  readonly place: SourcePlace;
  readonly segmentBase: number;
  readonly bits: CodeBits;
  readonly target: Value;
  readonly short: readonly number[] | undefined;
  readonly near: readonly number[] | undefined;
  isNear: boolean;
}

/** Bytes of one value: up to a boundary, up to an address, or so many. */
interface Gap {
  readonly kind: 'gap';
  readonly place: SourcePlace;
  readonly fill: number;
  readonly boundary?: number;
  readonly address?: number;
  readonly length?: number;
}

interface Label {
  readonly kind: 'label';
  readonly name: string;
  readonly place: SourcePlace;
}

type Item = Bytes | Jump | Gap | Label;

/** What a source has become. */
export interface Assembled {
  readonly bytes: Uint8Array;
  /** Address of the first byte. */
  readonly origin: number;
  /** Linear address of each label. */
  readonly labels: ReadonlyMap<string, number>;
}

/** More bytes than this are a mistake. */
export const LongestAssembly = 0x100_0000;
const Short = { lowest: -0x80, highest: 0x7f } as const;

/** Gives labels their addresses, jumps their forms, and fields their values. */
export class Layout {
  private readonly items: Item[] = [];
  private readonly labels = new Map<string, number>();
  private readonly origin: number;

  constructor(origin: number) {
    this.origin = origin;
  }

  /** Whether a label has this name already. */
  has(name: string): boolean {
    return this.labels.has(name);
  }

  add(item: Item): void {
    this.items.push(item);
    if (item.kind !== 'label') return;
    if (this.labels.has(item.name)) {
      throw failAt(item.place)('duplicate-label', `the label '${item.name}' is defined already. Use another name.`);
    }
    this.labels.set(item.name, this.origin);
  }

  finish(): Assembled {
    while (this.growJumps(this.place()));
    const bytes: number[] = [];
    for (const item of this.items) this.write(item, bytes);
    return { bytes: Uint8Array.from(bytes), origin: this.origin, labels: this.labels };
  }

  /** Gives each label its address; answers the address behind each item. */
  private place(): readonly number[] {
    let address = this.origin;
    return this.items.map((item) => {
      if (item.kind === 'label') this.labels.set(item.name, address);
      else address += this.sizeOf(item, address);
      return address;
    });
  }

  private sizeOf(item: Bytes | Jump | Gap, address: number): number {
    if (item.kind === 'bytes') return item.bytes.length;
    if (item.kind === 'gap') return gapSize(item, address);
    if (!item.isNear) return (item.short as readonly number[]).length + 1;
    return (item.near as readonly number[]).length + item.bits / 8;
  }

  /** Jumps whose target is too far for their short form become near; none ever becomes short again, so this ends. */
  private growJumps(ends: readonly number[]): boolean {
    let grown = false;
    for (const [index, item] of this.items.entries()) {
      if (item.kind !== 'jump' || item.isNear || item.near === undefined) continue;
      const distance = this.distanceOf(item, ends[index] as number);
      if (distance >= Short.lowest && distance <= Short.highest) continue;
      item.isNear = true;
      grown = true;
    }
    return grown;
  }

  /** From the end of a jump to its target. In 16-bit code the instruction pointer wraps at 64 KiB. */
  private distanceOf({ target, segmentBase, bits, place }: Jump, end: number): number {
    const fail = failAt(place);
    const offset = this.valueOf(target, segmentBase, fail);
    if (bits === 32) return (offset - (end - segmentBase)) | 0;
    if (offset < 0 || offset > 0xffff) {
      throw fail('value-does-not-fit', `the target ${hex(offset)} is outside of a segment of 64 KiB.`);
    }
    return ((offset - (end - segmentBase)) << 16) >> 16;
  }

  private write(item: Item, bytes: number[]): void {
    const start = bytes.length;
    if (item.kind === 'bytes') {
      for (const byte of item.bytes) bytes.push(byte);
      for (const fixup of item.fixups) this.patch(bytes, start, fixup, item);
    } else if (item.kind === 'gap') {
      const end = start + gapSize(item, this.origin + start);
      while (bytes.length < end) bytes.push(item.fill);
    } else if (item.kind === 'jump') this.writeJump(item, bytes);
    if (bytes.length > LongestAssembly) {
      throw failAt(item.place)('value-does-not-fit', `there are more than ${count(LongestAssembly)} bytes.`);
    }
  }

  private writeJump(item: Jump, bytes: number[]): void {
    const size = this.sizeOf(item, 0);
    const distance = this.distanceOf(item, this.origin + bytes.length + size);
    if (!item.isNear && (distance < Short.lowest || distance > Short.highest)) {
      const why = `the target is ${count(distance)} bytes away, and its form reaches from -128 to 127.`;
      throw failAt(item.place)('jump-too-far', why);
    }
    const opcode = (item.isNear ? item.near : item.short) as readonly number[];
    bytes.push(...opcode);
    for (let byte = 0; byte < size - opcode.length; byte++) bytes.push((distance >> (8 * byte)) & 0xff);
  }

  private patch(bytes: number[], start: number, { at, value, width }: Fixup, { segmentBase, place }: Bytes): void {
    const fail = failAt(place);
    const field = signed(this.valueOf(value, segmentBase, fail), width, fail);
    for (let byte = 0; byte < width / 8; byte++) bytes[start + at + byte] = (field >> (8 * byte)) & 0xff;
  }

  private valueOf(value: Value, segmentBase: number, fail: FailHere): number {
    if (typeof value === 'number') return value;
    if (typeof value === 'string') return this.addressOf(value, fail) - segmentBase;
    const from = value.from === undefined ? 0 : this.addressOf(value.from, fail);
    return this.addressOf(value.label, fail) + value.plus - from - (value.isLinear ? 0 : segmentBase);
  }

  private addressOf(label: string, fail: FailHere): number {
    const address = this.labels.get(label);
    if (address === undefined) {
      throw fail('unknown-label', `the label '${label}' is not defined. Define it with label('${label}').`);
    }
    return address;
  }
}

function gapSize({ boundary, length, address: target, place }: Gap, address: number): number {
  if (length !== undefined) return length;
  if (boundary !== undefined) return (boundary - (address % boundary)) % boundary;
  const size = (target as number) - address;
  if (size >= 0 && size <= LongestAssembly) return size;
  const why = `${hex(target as number)} is not within ${hex(LongestAssembly)} bytes after ${hex(address)}.`;
  throw failAt(place)('value-does-not-fit', why);
}
