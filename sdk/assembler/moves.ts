import type { Emitter } from './emitter.ts';
import { type Form, fitsSignedByte, shortOf, wide } from './encoding.ts';
import { type AddressLike, addressOf, type Memory, type RegisterOrMemory, type Value } from './operands.ts';
import type { Accumulator, ControlRegister, dx, GeneralRegister, SegmentRegister, Width } from './registers.ts';

/** The segment registers that MOV and POP load. */
export type SettableSegment = SegmentRegister<'es' | 'ss' | 'ds' | 'fs' | 'gs'>;

/** Instructions that move data, and those of ports. */
export interface MoveInstructions {
  mov<W extends Width>(to: GeneralRegister<W>, from: RegisterOrMemory<NoInfer<W>> | Value): void;
  mov<W extends Width>(to: Memory<W>, from: GeneralRegister<NoInfer<W>> | Value): void;
  mov(to: SettableSegment, from: RegisterOrMemory<16>): void;
  mov(to: GeneralRegister<16 | 32> | Memory<16>, from: SegmentRegister): void;
  mov(to: ControlRegister, from: GeneralRegister<32>): void;
  mov(to: GeneralRegister<32>, from: ControlRegister): void;
  /** The upper bits become 0. */
  movzx(to: GeneralRegister<16>, from: RegisterOrMemory<8>): void;
  movzx(to: GeneralRegister<32>, from: RegisterOrMemory<8 | 16>): void;
  /** The upper bits become the sign. */
  movsx(to: GeneralRegister<16>, from: RegisterOrMemory<8>): void;
  movsx(to: GeneralRegister<32>, from: RegisterOrMemory<8 | 16>): void;
  /** The offset of an address, not what is there. */
  lea(to: GeneralRegister<16 | 32>, address: AddressLike): void;
  xchg<W extends Width>(one: RegisterOrMemory<W>, other: GeneralRegister<NoInfer<W>>): void;
  /** A number or a label is pushed in the width of the code. */
  push(from: RegisterOrMemory<16 | 32> | SegmentRegister | Value): void;
  pop(to: RegisterOrMemory<16 | 32> | SettableSegment): void;
  bswap(register: GeneralRegister<32>): void;
  /** Reads a port: its number from 0 to 255, or DX. */
  in(to: Accumulator, port: number | typeof dx): void;
  /** Writes a port: its number from 0 to 255, or DX. */
  out(port: number | typeof dx, from: Accumulator): void;
}

type Operand = GeneralRegister | Memory | SegmentRegister | ControlRegister | Value;

const PushSegment: Readonly<Record<string, readonly number[]>> = {
  es: [0x06],
  cs: [0x0e],
  ss: [0x16],
  ds: [0x1e],
  fs: [0x0f, 0xa0],
  gs: [0x0f, 0xa8],
};

const kindOf = (operand: Operand): string => (typeof operand === 'object' ? operand.kind : 'value');

export function moveInstructions(out: Emitter): MoveInstructions {
  const extend =
    (mnemonic: string, opcode: number) => (to: GeneralRegister<16 | 32>, from: RegisterOrMemory<8 | 16>) => {
      if (from.width >= to.width) throw out.failOf(mnemonic)('operand-mismatch', 'the second operand is narrower.');
      out.emit(mnemonic, { opcode: [0x0f, opcode + wide(from.width)], width: to.width, reg: to.number, rm: from });
    };
  return {
    mov: (to: Operand, from: Operand) => out.emit('mov', formOfMov(out, to, from)),
    movzx: extend('movzx', 0xb6),
    movsx: extend('movsx', 0xbe),
    lea(to, address) {
      const rm = { kind: 'memory', width: to.width, address: addressOf(address) } as const;
      out.emit('lea', { opcode: [0x8d], width: to.width, reg: to.number, rm });
    },
    xchg(one: RegisterOrMemory, other: GeneralRegister) {
      out.checkWidths('xchg', one, other);
      const { width } = other;
      const pair = one.kind === 'general' && width !== 8 ? [one.number, other.number] : [];
      const opcode = pair.includes(0) ? 0x90 + Math.max(...pair) : undefined;
      if (opcode !== undefined) out.emit('xchg', { opcode: [opcode], width });
      else out.emit('xchg', { opcode: [0x86 + wide(width)], width, reg: other.number, rm: one });
    },
    push: (from) => out.emit('push', formOfPush(out, from)),
    pop(to) {
      if (to.kind === 'segment') out.emit('pop', { opcode: popOfSegment(to) });
      else if (to.kind === 'general') out.emit('pop', { opcode: [0x58 + to.number], width: to.width });
      else out.emit('pop', { opcode: [0x8f], width: to.width, reg: 0, rm: to });
    },
    bswap: ({ number }) => out.emit('bswap', { opcode: [0x0f, 0xc8 + number], width: 32 }),
    in: (to, port) => out.emit('in', formOfPort(out, 'in', 0xe4, to, port)),
    out: (port, from) => out.emit('out', formOfPort(out, 'out', 0xe6, from, port)),
  };
}

function formOfMov(out: Emitter, to: Operand, from: Operand): Form {
  const kinds = `${kindOf(to)} ${kindOf(from)}`.replace('label-value', 'value');
  switch (kinds) {
    case 'general general':
    case 'memory general':
      return formOfStore(out, to as RegisterOrMemory, from as GeneralRegister);
    case 'general memory':
      return formOfLoad(out, to as GeneralRegister, from as Memory);
    case 'general value': {
      const { width, number } = to as GeneralRegister;
      return { opcode: [(width === 8 ? 0xb0 : 0xb8) + number], width, immediates: [{ value: from as Value, width }] };
    }
    case 'memory value': {
      const { width } = to as Memory;
      return { opcode: [0xc6 + wide(width)], width, rm: to as Memory, immediates: [{ value: from as Value, width }] };
    }
    case 'segment general':
    case 'segment memory':
      return formOfSegment(out, 0x8e, to as SegmentRegister, from as RegisterOrMemory);
    case 'general segment':
    case 'memory segment':
      return formOfSegment(out, 0x8c, from as SegmentRegister, to as RegisterOrMemory);
    case 'control general':
      return { opcode: [0x0f, 0x22], reg: (to as ControlRegister).number, rm: from as GeneralRegister };
    case 'general control':
      return { opcode: [0x0f, 0x20], reg: (from as ControlRegister).number, rm: to as GeneralRegister };
    default:
      throw out.failOf('mov')('operand-mismatch', `there is no form for '${kinds}'.`);
  }
}

/** AL, AX and EAX have a shorter form where the address is an offset alone. */
const isShortMove = ({ number }: GeneralRegister, { address }: Memory): boolean =>
  number === 0 && address.base === undefined && address.index === undefined;

function formOfStore(out: Emitter, to: RegisterOrMemory, from: GeneralRegister): Form {
  out.checkWidths('mov', to, from);
  const { width } = from;
  if (to.kind === 'memory' && isShortMove(from, to))
    return { opcode: [0xa2 + wide(width)], width, address: to.address };
  return { opcode: [0x88 + wide(width)], width, reg: from.number, rm: to };
}

function formOfLoad(out: Emitter, to: GeneralRegister, from: Memory): Form {
  out.checkWidths('mov', to, from);
  const { width } = to;
  if (isShortMove(to, from)) return { opcode: [0xa0 + wide(width)], width, address: from.address };
  return { opcode: [0x8a + wide(width)], width, reg: to.number, rm: from };
}

/** Of a general register all is written; a segment register takes 16 bits of any. */
function formOfSegment(out: Emitter, opcode: number, segment: SegmentRegister, rm: RegisterOrMemory): Form {
  if (opcode === 0x8e && segment.name === 'cs') {
    throw out.failOf('mov')('operand-mismatch', 'cs cannot be loaded by mov. Use jmpFar.');
  }
  const writesAll = opcode === 0x8c && rm.kind === 'general';
  return { opcode: [opcode], reg: segment.number, rm, width: writesAll ? rm.width : out.bits };
}

function formOfPush(out: Emitter, from: RegisterOrMemory<16 | 32> | SegmentRegister | Value): Form {
  if (typeof from !== 'object' || from.kind === 'label-value') {
    const isShort = fitsSignedByte(from, out.bits, out.failOf('push'));
    if (isShort) return { opcode: [0x6a], immediates: [{ value: shortOf(from as number, out.bits), width: 8 }] };
    return { opcode: [0x68], immediates: [{ value: from, width: out.bits }] };
  }
  if (from.kind === 'segment') return { opcode: PushSegment[from.name] as readonly number[] };
  if (from.kind === 'general') return { opcode: [0x50 + from.number], width: from.width };
  return { opcode: [0xff], width: from.width, reg: 6, rm: from };
}

const popOfSegment = ({ name }: SegmentRegister): number[] => {
  const push = PushSegment[name] as readonly number[];
  return push.map((byte, index) => (index === push.length - 1 ? byte + 1 : byte));
};

function formOfPort(
  out: Emitter,
  mnemonic: string,
  opcode: number,
  { width }: Accumulator,
  port: number | typeof dx,
): Form {
  if (typeof port !== 'number') return { opcode: [opcode + 8 + wide(width)], width };
  out.checkRange(mnemonic, port, 0, 0xff);
  return { opcode: [opcode + wide(width)], width, immediates: [{ value: port, width: 8 }] };
}
