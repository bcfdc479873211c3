import { Random } from '../../../sdk/testing/random.ts';
import {
  Code16Step,
  EndOfCase,
  FsBase,
  GsBase,
  In,
  InRegisters,
  MemorySize,
  Options,
  Place,
  PoolSize,
  Selector,
} from './layout.ts';
import { code16 } from './tables.ts';
import { Undefined, type UndefinedFlags } from './undefined-flags.ts';

export type Width = 8 | 16 | 32;
/** Opcodes of byte operands are even, those of wider ones odd. */
export const wideBit = (width: Width): 0 | 1 => (width === 8 ? 0 : 1);
export const Esp = 4;
const Specials = [
  0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x55aa_33cc,
];
const FlagsOfCases = 0xcd5;
const AllFlags = -1;
const Prefix = { operand: 0x66, address: 0x67, lock: 0xf0 };
/** Override prefixes, with the base of the segment. */
const Overrides = [
  [0x3e, 0],
  [0x26, 0],
  [0x36, 0],
  [0x64, FsBase],
  [0x65, GsBase],
] as const;
/** Registers of a 16-bit address: BX+SI, BX+DI, BP+SI, BP+DI, SI, DI, BP, BX. */
const Pairs = [[3, 6], [3, 7], [5, 6], [5, 7], [6], [7], [5], [3]] as const;

/** Puts together one case: an instruction, and registers with which it stays inside of the memory of the case. */
export class CaseBuilder {
  readonly random: Random;
  bits: 16 | 32;
  readonly registers = new Uint32Array(8);
  /** Registers that addresses or counts depend on: a bit each. */
  fixed = 0;
  flags: number;
  /** Flags that are compared. */
  mask = AllFlags;
  /** Bits of an error code that are compared. */
  errorMask = 0xffff;
  ring3 = false;
  restart = false;
  /** Linear address of the memory of the case, through an alias or not. */
  area: number = Place.result;
  /** Offsets in it that operands may have. */
  lowest = 0;
  highest = MemorySize;
  stack: number = Selector.stack;
  readonly poolWord: number;
  name = '';
  address32: boolean;
  #override: (typeof Overrides)[number] | undefined;
  readonly prefixes: number[] = [];
  readonly code: number[] = [];

  constructor(
    seed: number,
    /** Its number among the cases of the seed. */
    index: number,
    /** Its number in the image. */
    readonly place: number,
    readonly cases: number,
    readonly pool: DataView,
  ) {
    this.random = new Random(Math.imul(seed ^ 0x5bd1_e995, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca6b));
    const { random } = this;
    this.bits = random.oneIn(2) ? 16 : 32;
    for (let number = 0; number < 8; number++) this.registers[number] = this.value();
    this.flags = (random.bits() & FlagsOfCases) | 2;
    this.poolWord = random.below((PoolSize - MemorySize) / 4);
    this.address32 = (this.bits === 32) !== random.oneIn(6);
    this.registers[Esp] = Place.result + 34 + random.below(24);
  }

  value(): number {
    const { random } = this;
    const kind = random.below(8);
    if (kind < 2) return random.pick(Specials);
    if (kind === 2) return random.below(40);
    return random.bits();
  }

  /** Gives a register its value for good. */
  fix(number: number, value: number): void {
    this.registers[number] = value;
    this.fixed |= 1 << number;
  }

  isFixed(number: number): boolean {
    return (this.fixed & (1 << number)) !== 0;
  }

  /** The stack is used, or an exception may push on it. */
  usesStack(): void {
    if (this.isFixed(Esp)) return;
    this.fixed |= 1 << Esp;
    if (!this.ring3 && this.random.oneIn(this.bits === 16 ? 2 : 8)) {
      this.stack = Selector.stack16;
      this.registers[Esp] = (this.registers[Esp]! & 0xffff) | (this.random.bits() & 0xffff_0000);
    }
  }

  undefined(row: UndefinedFlags): void {
    this.mask &= ~Undefined[row];
  }

  /** 16 or 32 bits, by a prefix where the code has another width. */
  wide(width: 16 | 32 = this.random.oneIn(2) ? 16 : 32): 16 | 32 {
    if (width !== this.bits) this.prefixes.push(Prefix.operand);
    return width;
  }

  width(): Width {
    return this.random.oneIn(3) ? 8 : this.wide();
  }

  lock(): void {
    this.prefixes.push(Prefix.lock);
  }

  emit(...bytes: number[]): void {
    for (const byte of bytes) this.code.push(byte & 0xff);
  }

  immediate(width: Width, value = this.value()): void {
    for (let shift = 0; shift < width; shift += 8) this.code.push((value >>> shift) & 0xff);
  }

  /** A byte or word of the case's memory, as it is at the start. */
  memory(offset: number, width: Width): number {
    const at = this.poolWord * 4 + offset;
    if (width === 8) return this.pool.getUint8(at);
    return width === 16 ? this.pool.getUint16(at, true) : this.pool.getUint32(at, true);
  }

  registerValue(number: number, width: Width): number {
    if (width === 8) return (this.registers[number & 3]! >>> (number & 4 ? 8 : 0)) & 0xff;
    return width === 16 ? this.registers[number]! & 0xffff : this.registers[number]!;
  }

  /** ModRM: a register or a place in memory. Returns its value at the start. */
  modrm(reg: number, width: Width, how: 'any' | 'memory' | 'register' = 'any', reach = width / 8): number {
    if (how === 'register' || (how === 'any' && this.lowest === 0 && this.random.below(5) < 2)) {
      const number = this.random.below(8);
      this.emit(0xc0 | (reg << 3) | number);
      return this.registerValue(number, width);
    }
    const offset = this.lowest + this.random.below(this.highest - this.lowest - reach + 1);
    this.memoryOperand(reg, offset);
    return this.memory(offset, width);
  }

  memoryOperand(reg: number, offset: number): void {
    const address = this.effective(this.area + offset);
    if (this.address32) this.#address32(reg << 3, address);
    else this.#address16(reg << 3, address);
  }

  /** The offset of a linear address in the segment that is used; a prefix for it, once in a while. */
  effective(linear: number): number {
    if (this.#override === undefined && this.random.oneIn(5)) {
      const override = this.random.pick(Overrides);
      const address = (linear - override[1]) >>> 0;
      if (this.address32 || address <= 0xffff - 0x40) {
        this.#override = override;
        this.prefixes.push(override[0]);
      }
    }
    return (linear - this.segmentBase) >>> 0;
  }

  /** Base of the segment that is used. */
  get segmentBase(): number {
    return this.#override?.[1] ?? 0;
  }

  #address16(reg: number, address: number): void {
    const { random } = this;
    let rm = random.below(8);
    const pair = Pairs[rm]!;
    let mod = random.below(3);
    if (pair.every((number) => this.isFixed(number))) [mod, rm] = [0, 6];
    if (mod === 0 && rm === 6) {
      this.emit(reg | 6);
      this.immediate(16, address);
      return;
    }
    const free = pair.find((number) => !this.isFixed(number))!;
    const other = pair.length === 2 ? pair[pair[0] === free ? 1 : 0]! : undefined;
    const displacement = mod === 0 ? 0 : mod === 1 ? (random.byte() << 24) >> 24 : random.bits() & 0xffff;
    const rest = address - displacement - (other === undefined ? 0 : this.registers[other]!);
    this.fix(free, ((this.registers[free]! & 0xffff_0000) | (rest & 0xffff)) >>> 0);
    if (other !== undefined) this.fixed |= 1 << other;
    this.emit((mod << 6) | reg | rm);
    if (mod !== 0) this.immediate(mod === 1 ? 8 : 16, displacement);
  }

  #address32(reg: number, address: number): void {
    const { random } = this;
    let mod = random.below(3);
    const base = random.below(8);
    const hasSib = base === Esp || random.oneIn(2);
    const index = hasSib ? random.below(8) : Esp;
    const scale = random.below(4);
    const isAbsolute = base === 5 && mod === 0;
    const scaled = index === Esp ? 0 : Math.imul(this.registers[index]!, 1 << scale);
    // A register that is both, or has its value already, leaves the rest to the displacement.
    if (this.isFixed(base) || base === index) mod = isAbsolute ? 0 : 2;
    const isGiven = isAbsolute || mod === 2;
    const displacement = mod === 0 ? 0 : (random.byte() << 24) >> 24;
    if (!isGiven) this.fix(base, (address - scaled - displacement) >>> 0);
    this.emit((mod << 6) | reg | (hasSib ? 4 : isAbsolute ? 5 : base));
    if (hasSib) this.emit((scale << 6) | (index << 3) | base);
    if (isGiven) this.immediate(32, address - scaled - (isAbsolute ? 0 : this.registers[base]!));
    else if (mod === 1) this.immediate(8, displacement);
    if (!isAbsolute) this.fixed |= 1 << base;
    if (index !== Esp) this.fixed |= 1 << index;
  }

  /** Offset of the instruction in its segment of code. */
  get entry(): number {
    const offset = this.place * In.size;
    return this.bits === 32 ? Place.records + offset + In.bytes : (offset % Code16Step) + In.bytes;
  }

  get codeSelector(): number {
    if (this.bits === 16) return code16(Math.floor((this.place * In.size) / Code16Step), this.ring3, this.cases);
    return this.ring3 ? Selector.userCode : Selector.code;
  }

  /** The registers that say nothing of the memory of the case, after its instruction is there. */
  finish(record: DataView, at: number, back: number): void {
    if (this.address32 !== (this.bits === 32)) this.prefixes.push(Prefix.address);
    const bytes = [...this.prefixes, ...this.code];
    if (this.ring3) bytes.push(0xcd, EndOfCase);
    else {
      if (this.bits === 16) bytes.push(Prefix.operand);
      bytes.push(0xea, back & 0xff, (back >>> 8) & 0xff, (back >>> 16) & 0xff, back >>> 24, Selector.code, 0);
    }
    if (bytes.length > In.size - In.bytes) throw new Error(`The case '${this.name}' is too long.`);
    for (let number = 0; number < 8; number++)
      record.setUint32(at + InRegisters[number]!, this.registers[number]!, true);
    record.setUint32(at + In.mask, this.mask >>> 0, true);
    record.setUint32(at + In.pointer, this.entry, true);
    record.setUint32(at + In.code, this.codeSelector, true);
    record.setUint32(at + In.flags, this.flags, true);
    record.setUint16(at + In.stack, this.ring3 ? Selector.data : this.stack, true);
    record.setUint16(at + In.options, (this.ring3 ? Options.ring3 : 0) | (this.restart ? Options.restart : 0), true);
    record.setUint16(at + In.pool, this.poolWord, true);
    record.setUint16(at + In.errorMask, this.errorMask, true);
    for (let offset = 0; offset < bytes.length; offset++) record.setUint8(at + In.bytes + offset, bytes[offset]!);
  }
}
