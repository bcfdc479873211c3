import type { LinearMemory } from './linear-address.ts';
import { At } from './state-layout.ts';

/** An instruction is no longer. @see Intel SDM volume 2, 2.3.11 */
const LongestInstruction = 15;
const Prefix = { operandSize: 0x66, addressSize: 0x67, repeatUnequal: 0xf2, repeat: 0xf3, lock: 0xf0 };
const Segment = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const TwoBytes = 0x0f;
/** 1 for each prefix. */
export const isPrefix = new Uint8Array(256);
for (const byte of [...Object.values(Prefix), ...Segment]) isPrefix[byte] = 1;

const StringGroup = { none: 0, ins: 1, outs: 2, reads: 3, compares: 4, stores: 5 } as const;
const stringGroup = new Uint8Array(256);
stringGroup.set([1, 1, 2, 2], 0x6c);
stringGroup.set([3, 3, 4, 4], 0xa4);
stringGroup.set([5, 5, 3, 3, 4, 4], 0xaa);

/** What MOV, MOVZX and MOVSX read: so many bytes, and 4 is the operand's size. Opcodes of two bytes come behind those of one. */
const loads = new Uint8Array(512);
const loadOf = (opcode: number): number => loads[opcode & 0x1ff]!;
loads.set([1, 4], 0x8a);
loads.set([1, 4], 0xa0);
loads.set([1, 2], 0x1b6);
loads.set([1, 2], 0x1be);
/** With a memory operand: below which extension of the opcode, bits 3 to 5 of ModRM, it is arithmetic. */
const arithmetic = new Uint8Array(256);
for (let opcode = 0; opcode < 0x40; opcode += 8) arithmetic.fill(8, opcode, opcode + 4);
/** ADD to CMP with an immediate, TEST and XCHG. */
arithmetic.fill(8, 0x80, 0x88);
/** TEST, NOT and NEG, but no DIV; INC and DEC, but no CALL. */
arithmetic.set([4, 4], 0xf6);
arithmetic.set([2, 2], 0xfe);
const MoveSegment = 0x8e;
const PopStackSegment = 0x17;
const StackSegment = 2;
/** Whether an instruction that begins so may be MOV SS or POP SS. */
export const mayLoadStackSegment = (byte: number): boolean =>
  byte === MoveSegment || byte === PopStackSegment || isPrefix[byte] === 1;

/** What must be known of the instruction under way: how it repeats, and where a plain load goes. One object for each processor. */
export class Instruction {
  #linear = 0;
  #prefixes = 0;
  #opcode = -1;
  #modrm = -1;
  #repeat = 0;
  #operandPrefix = false;
  #addressPrefix = false;

  constructor(
    private readonly memory: LinearMemory,
    private readonly state: DataView,
  ) {}

  /** Where the instruction behind a string instruction is: it has no operands. */
  get end(): number {
    return (this.#linear + this.#prefixes + 1) | 0;
  }

  get isIns(): boolean {
    return stringGroup[this.#opcode] === StringGroup.ins;
  }

  get isOuts(): boolean {
    return stringGroup[this.#opcode] === StringGroup.outs;
  }

  get isRepeated(): boolean {
    return this.#repeat !== 0 && this.#opcode < 0x100 && stringGroup[this.#opcode] !== StringGroup.none;
  }

  /** Whether ECX counts, or CX. */
  get has32BitAddress(): boolean {
    return this.#is32 !== this.#addressPrefix;
  }

  /** Elements left to do. */
  get count(): number {
    if (!this.isRepeated) return 1;
    const ecx = this.state.getUint32(At.registers + 4, true);
    return this.has32BitAddress ? ecx : ecx & 0xffff;
  }

  /** Whether a REP goes on after an element, from the flags: those of CMPS and SCAS end early. */
  goesOn(flags: number): boolean {
    if (stringGroup[this.#opcode] !== StringGroup.compares) return true;
    return ((flags & 0x40) !== 0) === (this.#repeat === Prefix.repeat);
  }

  /**
   * Where a plain MOV, MOVZX or MOVSX puts what it has read. -1 for other instructions, and for an access
   * of another size.
   */
  loadTarget(size: number): number {
    const load = loadOf(this.#opcode);
    if (size !== (load === 4 ? this.operandSize : load)) return -1;
    return load === 1 && this.#opcode < 0x100 ? this.#byteRegister() : this.#register();
  }

  /** Bytes that the load writes: more than it read with MOVZX and MOVSX. */
  get loadWidth(): number {
    return this.#opcode === 0x8a || this.#opcode === 0xa0 ? 1 : this.operandSize;
  }

  get extendsSign(): boolean {
    return (this.#opcode | 1) === 0x0fbf;
  }

  /**
   * Whether it does no more than read one operand of this size, change registers and flags, and write the operand. It takes no fault
   * of its own, so what it has done with a wrong value can be undone.
   */
  isArithmetic(size: number): boolean {
    const opcode = this.#opcode;
    if (opcode < 0 || opcode > 0xff || ((this.#modrm >> 3) & 7) >= arithmetic[opcode]!) return false;
    return size === ((opcode & 1) === 0 ? 1 : this.operandSize);
  }

  /** MOV SS and POP SS: no interrupt is taken before the next instruction has run. @see Intel SDM volume 3, 7.8.3 */
  get loadsStackSegment(): boolean {
    if (this.#opcode === PopStackSegment) return true;
    return this.#opcode === MoveSegment && ((this.#modrm >> 3) & 7) === StackSegment;
  }

  /** Reads the instruction there. */
  decode(linear: number): this {
    this.#linear = linear;
    this.#prefixes = this.#repeat = 0;
    this.#operandPrefix = this.#addressPrefix = false;
    let byte = this.memory.byte(linear);
    while (byte >= 0 && isPrefix[byte] === 1 && this.#prefixes < LongestInstruction) {
      this.#note(byte);
      byte = this.#next();
    }
    let opcodeLength = 1;
    if (byte === TwoBytes) {
      opcodeLength = 2;
      const second = this.memory.byte(linear + this.#prefixes + 1);
      byte = second < 0 ? -1 : 0x0f00 | second;
    }
    this.#opcode = byte;
    this.#modrm = this.memory.byte(linear + this.#prefixes + opcodeLength);
    return this;
  }

  /** The bytes from there on, as many as an instruction can have and as can be read. */
  bytes(linear: number): Uint8Array {
    const bytes: number[] = [];
    while (bytes.length < LongestInstruction) {
      const byte = this.memory.byte(linear + bytes.length);
      if (byte < 0) break;
      bytes.push(byte);
    }
    return Uint8Array.from(bytes);
  }

  #note(prefix: number): void {
    if (prefix === Prefix.operandSize) this.#operandPrefix = true;
    else if (prefix === Prefix.addressSize) this.#addressPrefix = true;
    else if (prefix === Prefix.repeat || prefix === Prefix.repeatUnequal) this.#repeat = prefix;
  }

  #next(): number {
    this.#prefixes++;
    return this.memory.byte(this.#linear + this.#prefixes);
  }

  get operandSize(): number {
    return this.#is32 !== this.#operandPrefix ? 4 : 2;
  }

  get #is32(): boolean {
    return this.state.getUint8(At.codeIs32) !== 0;
  }

  /** A load that names its address in the instruction goes to EAX, others to the register of their ModRM byte. */
  #register(): number {
    return At.registers + (this.#opcode === 0xa1 ? 0 : (this.#modrm >> 3) & 7) * 4;
  }

  /** AL CL DL BL AH CH DH BH. */
  #byteRegister(): number {
    const index = this.#opcode === 0xa0 ? 0 : (this.#modrm >> 3) & 7;
    return At.registers + (index & 3) * 4 + (index >> 2);
  }
}
