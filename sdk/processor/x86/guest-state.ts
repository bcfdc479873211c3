import { Instruction, isPrefix } from './instruction.ts';
import { LinearMemory } from './linear-address.ts';
import { At, Segments } from './state-layout.ts';

const Flag = { interrupt: 0x200, direction: 0x400 } as const;
/** CR2. */
const FaultAddress = (At.controlRegisters >> 2) + 2;
/** Registers and flags: what an instruction that begins again finds as it was. */
const Kept = { start: At.registers >> 2, end: (At.flags >> 2) + 1 } as const;

/** The processor's state and its guest memory, seen from outside of the module. */
export class GuestState {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
  readonly linear: LinearMemory;
  readonly instruction: Instruction;
  #faultAddress = 0;
  readonly #kept = new Int32Array(Kept.end - Kept.start);

  constructor(
    memory: ArrayBufferLike,
    readonly ram: Uint8Array,
    top: Uint8Array,
  ) {
    this.bytes = new Uint8Array(memory);
    this.words = new Int32Array(memory);
    this.view = new DataView(memory);
    this.linear = new LinearMemory(memory, ram, top);
    this.instruction = new Instruction(this.linear, this.view);
  }

  get interruptFlag(): boolean {
    return (this.words[At.flags >> 2]! & Flag.interrupt) !== 0;
  }

  get isDescending(): boolean {
    return (this.words[At.flags >> 2]! & Flag.direction) !== 0;
  }

  /** Where the next instruction is: linear. */
  get pointer(): number {
    return this.words[At.instructionPointer >> 2]!;
  }

  set pointer(linear: number) {
    this.words[At.instructionPointer >> 2] = linear;
  }

  get previousPointer(): number {
    return this.words[At.previousPointer >> 2]!;
  }

  /** Instructions that have ended, those of the block under way too; wraps at 2 ** 32. */
  get executed(): number {
    return (this.words[At.instructionCount >> 2]! + this.words[At.blockCount >> 2]!) | 0;
  }

  /** Linear address that INS writes to. */
  get destination(): number {
    const edi = this.words[(At.registers >> 2) + 7]!;
    const offset = this.instruction.has32BitAddress ? edi : edi & 0xffff;
    return (this.words[(At.segmentBases >> 2) + Segments.es]! + offset) >>> 0;
  }

  get count(): number {
    return this.words[(At.registers >> 2) + 1]!;
  }

  set count(ecx: number) {
    this.words[(At.registers >> 2) + 1] = ecx;
  }

  /** The first byte of the instruction under way. */
  firstByte(): number {
    return this.linear.byte(this.previousPointer);
  }

  /** Whether the instruction under way may be repeated: it has a prefix. */
  hasPrefix(): boolean {
    return isPrefix[this.firstByte()] === 1;
  }

  decodeCurrent(): Instruction {
    return this.instruction.decode(this.previousPointer);
  }

  /** What an access has read goes into a register: its low byte, word, or all of it. */
  setRegister(address: number, width: number, value: number): void {
    if (width === 1) this.bytes[address] = value;
    else if (width === 2) this.view.setUint16(address, value & 0xffff, true);
    else this.words[address >> 2] = value;
  }

  /** Ends the run behind the instruction under way. */
  stop(): void {
    this.bytes[At.halted] = 1;
    this.bytes[At.blockBoundary] = 1;
  }

  /** Registers and flags as the instruction under way finds them, for `rewind`. */
  keep(): void {
    for (let word = Kept.start; word < Kept.end; word++) this.#kept[word - Kept.start] = this.words[word]!;
  }

  get isSquashed(): boolean {
    return this.words[At.squashed >> 2] !== 0;
  }

  /** See `At.squashed`. */
  squash(): void {
    this.words[At.squashed >> 2] = 1;
    this.#faultAddress = this.words[FaultAddress]!;
  }

  /** It has come to its end, or to a fault, which is none. */
  endSquash(): void {
    this.words[At.squashed >> 2] = 0;
    this.words[FaultAddress] = this.#faultAddress;
  }

  /** The instruction under way begins again. A block that did not come to its end is counted. */
  rewind(): void {
    const { words } = this;
    for (let word = Kept.start; word < Kept.end; word++) words[word] = this.#kept[word - Kept.start]!;
    this.pointer = this.previousPointer;
    this.bytes[At.prefixes] = 0;
    words[At.instructionCount >> 2] = this.executed;
    words[At.blockCount >> 2] = 0;
  }

  /** The last instruction has come to its end, and does not count. */
  uncount(): void {
    this.words[At.instructionCount >> 2]!--;
  }
}

/** The value of so many bytes, with its sign; 0 is none. */
export function extended(value: number, signFrom: number): number {
  return signFrom === 0 ? value : (value << (32 - 8 * signFrom)) >> (32 - 8 * signFrom);
}
