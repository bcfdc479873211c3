import { count, hex } from '../base/text.ts';
import type { FailHere } from './errors.ts';
import type { Address, RegisterOrMemory, Value } from './operands.ts';
import type { GeneralRegister, Width } from './registers.ts';

/** Width of code: the default width of operands and addresses. */
export type CodeBits = 16 | 32;

/** An instruction, as its page in the manual describes it. */
export interface Form {
  readonly opcode: readonly number[];
  /** Width of the operands; 16 or 32 other than the code's gives a prefix 0x66. */
  readonly width?: Width;
  /** The register or the digit in ModRM. */
  readonly reg?: number;
  readonly rm?: RegisterOrMemory;
  /** An address without ModRM, as MOV has for the accumulator. */
  readonly address?: Address;
  readonly immediates?: readonly Immediate[];
  /** REP or REPE (0xf3), REPNE (0xf2). */
  readonly repeat?: 0xf2 | 0xf3;
}

export interface Immediate {
  readonly value: Value;
  readonly width: Width;
}

/** A value that is known when all labels have their addresses. */
export interface Fixup extends Immediate {
  /** Offset in the instruction. */
  readonly at: number;
}

export interface Encoded {
  readonly bytes: number[];
  readonly fixups: Fixup[];
}

const Prefix = { OperandSize: 0x66, AddressSize: 0x67, Segments: [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65] } as const;
/** In ModRM: a SIB byte follows; an offset without a base; in SIB: no index. */
const Rm = { Sib: 4, Offset32: 5, Offset16: 6, NoIndex: 4 } as const;
const Mod = { NoOffset: 0, Offset8: 1, Offset: 2, Register: 3 } as const;

/** Prefixes, opcode, ModRM, SIB, offset, immediates. @see Intel SDM, volume 2, 2.1 */
export function encode(form: Form, bits: CodeBits, fail: FailHere): Encoded {
  const { opcode, width = bits, rm, reg = 0, immediates = [] } = form;
  const out: Encoded = { bytes: [], fixups: [] };
  const address = form.address ?? (rm?.kind === 'memory' ? rm.address : undefined);
  if (address?.segment !== undefined) out.bytes.push(Prefix.Segments[address.segment.number] as number);
  if (address !== undefined && addressWidth(address, bits) !== bits) out.bytes.push(Prefix.AddressSize);
  if (width !== 8 && width !== bits) out.bytes.push(Prefix.OperandSize);
  if (form.repeat !== undefined) out.bytes.push(form.repeat);
  out.bytes.push(...opcode);
  if (rm?.kind === 'general') out.bytes.push((Mod.Register << 6) | (reg << 3) | rm.number);
  if (rm?.kind === 'memory') encodeAddress(out, rm.address, reg, bits, fail);
  if (form.address !== undefined) {
    put(out, { value: form.address.offset ?? 0, width: addressWidth(form.address, bits) }, fail);
  }
  for (const immediate of immediates) put(out, immediate, fail);
  return out;
}

function addressWidth({ base, index, bits }: Address, codeBits: CodeBits): CodeBits {
  return ((base ?? index)?.width as CodeBits | undefined) ?? bits ?? codeBits;
}

function encodeAddress(out: Encoded, address: Address, reg: number, bits: CodeBits, fail: FailHere): void {
  const width = addressWidth(address, bits);
  for (const register of [address.base, address.index]) {
    if (register !== undefined && register.width !== width) {
      throw fail('operand-mismatch', `an address has registers of one width, not ${register.name} in ${width} bits.`);
    }
  }
  if (width === 16) encodeAddress16(out, address, reg, fail);
  else encodeAddress32(out, address, reg, fail);
}

/** The combinations of ModRM for 16 bits, by their number. @see Intel SDM, volume 2, table 2-1 */
const Bases16 = ['bx+si', 'bx+di', 'bp+si', 'bp+di', 'si', 'di', 'bp', 'bx'];

function encodeAddress16(out: Encoded, { base, index, offset = 0 }: Address, reg: number, fail: FailHere): void {
  if (base === undefined && index === undefined) {
    out.bytes.push((reg << 3) | Rm.Offset16);
    put(out, { value: offset, width: 16 }, fail);
    return;
  }
  const names = [base, index].flatMap((register) => register?.name ?? []).join('+');
  const rm = Bases16.indexOf(names);
  if (rm < 0) throw fail('operand-mismatch', `[${names}] is no address. Write one of ${Bases16.join(', ')}.`);
  const mod = offsetMode(offset, 16, rm === Rm.Offset16, fail);
  out.bytes.push((mod << 6) | (reg << 3) | rm);
  putOffset(out, offset, mod, 16, fail);
}

/** @see Intel SDM, volume 2, tables 2-2 and 2-3 */
function encodeAddress32(out: Encoded, address: Address, reg: number, fail: FailHere): void {
  const { base, offset = 0 } = address;
  const index = address.index as GeneralRegister<32> | undefined;
  if (index?.number === Rm.NoIndex) throw fail('operand-mismatch', 'esp cannot be an index. Write it as the base.');
  if (base === undefined) {
    out.bytes.push((reg << 3) | (index === undefined ? Rm.Offset32 : Rm.Sib));
    if (index !== undefined) out.bytes.push(sib(address.scale, index.number, Rm.Offset32));
    put(out, { value: offset, width: 32 }, fail);
    return;
  }
  const needsSib = index !== undefined || base.number === Rm.Sib;
  const mod = offsetMode(offset, 32, base.number === Rm.Offset32, fail);
  out.bytes.push((mod << 6) | (reg << 3) | (needsSib ? Rm.Sib : base.number));
  if (needsSib) out.bytes.push(sib(address.scale, index?.number ?? Rm.NoIndex, base.number));
  putOffset(out, offset, mod, 32, fail);
}

const sib = (scale: 1 | 2 | 4 | 8 = 1, index: number, base: number): number =>
  (Math.log2(scale) << 6) | (index << 3) | base;

/** BP and EBP without an offset would mean an offset without a base. */
function offsetMode(offset: Value, width: CodeBits, needsOffset: boolean, fail: FailHere): number {
  if (typeof offset !== 'number') return Mod.Offset;
  const value = signed(offset, width, fail);
  if (value === 0 && !needsOffset) return Mod.NoOffset;
  return isByte(value) ? Mod.Offset8 : Mod.Offset;
}

function putOffset(out: Encoded, offset: Value, mod: number, width: CodeBits, fail: FailHere): void {
  if (mod === Mod.Offset8) out.bytes.push(signed(offset as number, width, fail) & 0xff);
  if (mod === Mod.Offset) put(out, { value: offset, width }, fail);
}

/** Puts a number now; room for a label, whose value comes later. */
function put(out: Encoded, { value, width }: Immediate, fail: FailHere): void {
  if (typeof value !== 'number') {
    out.fixups.push({ at: out.bytes.length, value, width });
    for (let bit = 0; bit < width; bit += 8) out.bytes.push(0);
    return;
  }
  const bytes = signed(value, width, fail);
  for (let bit = 0; bit < width; bit += 8) out.bytes.push((bytes >> bit) & 0xff);
}

const isByte = (value: number): boolean => value >= -0x80 && value <= 0x7f;

/** Whether an immediate has a short form: a byte that the processor extends with its sign. */
export const fitsSignedByte = (value: Value, width: Width, fail: FailHere): boolean =>
  typeof value === 'number' && isByte(signed(value, width, fail));

/** The byte that the processor extends to a number of a wider field. */
export const shortOf = (value: number, width: Width): number => {
  const low = value & 0xff;
  return width === 8 || low < 0x80 ? low : low - 0x100;
};

/** Opcodes of byte operands are even, those of wider ones odd. */
export const wide = (width: Width): 0 | 1 => (width === 8 ? 0 : 1);

/** A number of a field, signed or unsigned, as a signed one. */
export function signed(value: number, width: Width, fail: FailHere): number {
  const size = 2 ** width;
  if (!Number.isInteger(value) || value < -size / 2 || value >= size) {
    const shown = Number.isInteger(value) ? hex(value) : String(value);
    const range = `${count(-size / 2)} to ${count(size - 1)}`;
    throw fail('value-does-not-fit', `${shown} does not fit ${width} bits. Write a whole number from ${range}.`);
  }
  return value >= size / 2 ? value - size : value;
}
