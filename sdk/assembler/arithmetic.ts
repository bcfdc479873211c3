import type { Emitter } from './emitter.ts';
import { type Form, fitsSignedByte, shortOf, wide } from './encoding.ts';
import type { Memory, RegisterOrMemory, Value } from './operands.ts';
import { cl, type GeneralRegister, type Width } from './registers.ts';

/** Operations of two operands, by the digit of their opcodes. */
const Binary = { add: 0, or: 1, adc: 2, sbb: 3, and: 4, sub: 5, xor: 6, cmp: 7 } as const satisfies Readonly<
  Record<BinaryOperation, number>
>;
/** Shifts and rotations, by the digit in ModRM. */
const Shifts = { rol: 0, ror: 1, rcl: 2, rcr: 3, shl: 4, shr: 5, sar: 7 } as const satisfies Readonly<
  Record<ShiftOperation, number>
>;
/** Operations of one operand: opcode and digit. */
const Unary = {
  not: [0xf6, 2],
  neg: [0xf6, 3],
  mul: [0xf6, 4],
  div: [0xf6, 6],
  idiv: [0xf6, 7],
} as const satisfies Readonly<Record<UnaryOperation, readonly number[]>>;
/** Operations of one bit, by the digit in ModRM. */
const Bits = { bt: 4, bts: 5, btr: 6, btc: 7 } as const satisfies Readonly<Record<BitOperation, number>>;

/** Operations of two operands. */
export type BinaryOperation = 'add' | 'or' | 'adc' | 'sbb' | 'and' | 'sub' | 'xor' | 'cmp';

/** Shifts and rotations. */
export type ShiftOperation = 'rol' | 'ror' | 'rcl' | 'rcr' | 'shl' | 'shr' | 'sar';

/** Operations of one operand, but INC and DEC. */
export type UnaryOperation = 'not' | 'neg' | 'mul' | 'div' | 'idiv';

/** Operations of one bit. */
export type BitOperation = 'bt' | 'bts' | 'btr' | 'btc';

/** Between two registers, a register and memory, or with a number. */
export interface BinaryInstruction {
  <W extends Width>(to: GeneralRegister<W>, from: RegisterOrMemory<NoInfer<W>> | Value): void;
  <W extends Width>(to: Memory<W>, from: GeneralRegister<NoInfer<W>> | Value): void;
}

/** Instructions that compute. */
export type ArithmeticInstructions = { readonly [Name in BinaryOperation]: BinaryInstruction } & {
  /** By CL, or by a number of bits from 0 to 31. */
  readonly [Name in ShiftOperation]: (to: RegisterOrMemory, by: number | typeof cl) => void;
} & { readonly [Name in UnaryOperation]: (operand: RegisterOrMemory) => void } & {
  readonly [Name in BitOperation]: <W extends 16 | 32>(
    of: RegisterOrMemory<W>,
    bit: GeneralRegister<NoInfer<W>> | number,
  ) => void;
} & {
  inc(operand: RegisterOrMemory): void;
  dec(operand: RegisterOrMemory): void;
  test<W extends Width>(one: RegisterOrMemory<W>, other: GeneralRegister<NoInfer<W>> | Value): void;
  imul(operand: RegisterOrMemory): void;
  imul<W extends 16 | 32>(to: GeneralRegister<W>, from: RegisterOrMemory<NoInfer<W>>, by?: Value): void;
  /** Shifts left; bits of `from` come in. By CL, or by a number of bits from 0 to 31. */
  shld<W extends 16 | 32>(to: RegisterOrMemory<W>, from: GeneralRegister<NoInfer<W>>, by: number | typeof cl): void;
  /** Shifts right; bits of `from` come in. By CL, or by a number of bits from 0 to 31. */
  shrd<W extends 16 | 32>(to: RegisterOrMemory<W>, from: GeneralRegister<NoInfer<W>>, by: number | typeof cl): void;
  /** The number of the lowest bit that is set. */
  bsf<W extends 16 | 32>(to: GeneralRegister<W>, from: RegisterOrMemory<NoInfer<W>>): void;
  /** The number of the highest bit that is set. */
  bsr<W extends 16 | 32>(to: GeneralRegister<W>, from: RegisterOrMemory<NoInfer<W>>): void;
  xadd<W extends Width>(to: RegisterOrMemory<W>, from: GeneralRegister<NoInfer<W>>): void;
  cmpxchg<W extends Width>(to: RegisterOrMemory<W>, from: GeneralRegister<NoInfer<W>>): void;
};

type Method = (...operands: never[]) => void;
const methods = <Row>(rows: Readonly<Record<string, Row>>, method: (name: string, row: Row) => Method) =>
  Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, method(name, row)]));

export function arithmeticInstructions(out: Emitter): ArithmeticInstructions {
  /** Two operands of one width. */
  const pair = (mnemonic: string, opcode: readonly number[], reg: GeneralRegister, rm: RegisterOrMemory, more = {}) => {
    out.checkWidths(mnemonic, reg, rm);
    out.emit(mnemonic, { opcode, width: reg.width, reg: reg.number, rm, ...more });
  };
  return {
    ...methods(Binary, (name, digit) => (to: RegisterOrMemory, from: RegisterOrMemory | Value) => {
      out.emit(name, formOfBinary(out, name, digit, to, from));
    }),
    ...methods(Shifts, (name, digit) => (to: RegisterOrMemory, by: number | typeof cl) => {
      if (typeof by === 'number') out.checkRange(name, by, 0, 31);
      const [opcode, value] = by === cl ? [0xd2] : by === 1 ? [0xd0] : [0xc0, by as number];
      const immediates = value === undefined ? [] : [{ value, width: 8 } as const];
      out.emit(name, { opcode: [opcode + wide(to.width)], width: to.width, reg: digit, rm: to, immediates });
    }),
    ...methods(Unary, (name, [opcode, digit]) => (operand: RegisterOrMemory) => {
      out.emit(name, { opcode: [opcode + wide(operand.width)], width: operand.width, reg: digit, rm: operand });
    }),
    ...methods(Bits, (name, digit) => (of: RegisterOrMemory, bit: GeneralRegister | number) => {
      if (typeof bit !== 'number') return pair(name, [0x0f, 0x83 + 8 * digit], bit, of);
      out.checkRange(name, bit, 0, of.width - 1);
      const immediates = [{ value: bit, width: 8 } as const];
      out.emit(name, { opcode: [0x0f, 0xba], width: of.width, reg: digit, rm: of, immediates });
    }),
    inc: (operand: RegisterOrMemory) => out.emit('inc', formOfStep(operand, 0)),
    dec: (operand: RegisterOrMemory) => out.emit('dec', formOfStep(operand, 1)),
    test(one: RegisterOrMemory, other: GeneralRegister | Value) {
      if (typeof other === 'object' && other.kind === 'general') {
        return pair('test', [0x84 + wide(one.width)], other, one);
      }
      const { width } = one;
      const immediates = [{ value: other, width }];
      if (one.kind === 'general' && one.number === 0) {
        return out.emit('test', { opcode: [0xa8 + wide(width)], width, immediates });
      }
      out.emit('test', { opcode: [0xf6 + wide(width)], width, reg: 0, rm: one, immediates });
    },
    imul(to: RegisterOrMemory, from?: RegisterOrMemory, by?: Value) {
      const { width } = to;
      if (from === undefined) return out.emit('imul', { opcode: [0xf6 + wide(width)], width, reg: 5, rm: to });
      if (by === undefined) return pair('imul', [0x0f, 0xaf], to as GeneralRegister, from);
      const isShort = fitsSignedByte(by, width, out.failOf('imul'));
      const immediate = isShort ? { value: shortOf(by as number, width), width: 8 } : { value: by, width };
      pair('imul', [isShort ? 0x6b : 0x69], to as GeneralRegister, from, { immediates: [immediate] });
    },
    shld: (to: RegisterOrMemory, from: GeneralRegister, by: number | typeof cl) =>
      shiftPair('shld', 0xa4, to, from, by),
    shrd: (to: RegisterOrMemory, from: GeneralRegister, by: number | typeof cl) =>
      shiftPair('shrd', 0xac, to, from, by),
    bsf: (to: GeneralRegister, from: RegisterOrMemory) => pair('bsf', [0x0f, 0xbc], to, from),
    bsr: (to: GeneralRegister, from: RegisterOrMemory) => pair('bsr', [0x0f, 0xbd], to, from),
    xadd: (to: RegisterOrMemory, from: GeneralRegister) => pair('xadd', [0x0f, 0xc0 + wide(to.width)], from, to),
    cmpxchg: (to: RegisterOrMemory, from: GeneralRegister) => pair('cmpxchg', [0x0f, 0xb0 + wide(to.width)], from, to),
  } as ArithmeticInstructions;

  function shiftPair(
    mnemonic: string,
    opcode: number,
    to: RegisterOrMemory,
    from: GeneralRegister,
    by: number | typeof cl,
  ): void {
    if (typeof by === 'number') {
      out.checkRange(mnemonic, by, 0, 31);
      pair(mnemonic, [0x0f, opcode], from, to, { immediates: [{ value: by, width: 8 }] });
    } else pair(mnemonic, [0x0f, opcode + 1], from, to);
  }
}

/** INC and DEC of a register have opcodes of their own. */
function formOfStep(operand: RegisterOrMemory, digit: 0 | 1): Form {
  const { width } = operand;
  if (operand.kind === 'general' && width !== 8) return { opcode: [0x40 + 8 * digit + operand.number], width };
  return { opcode: [0xfe + wide(width)], width, reg: digit, rm: operand };
}

function formOfBinary(
  out: Emitter,
  mnemonic: string,
  digit: number,
  to: RegisterOrMemory,
  from: RegisterOrMemory | Value,
): Form {
  const { width } = to;
  const opcode = 8 * digit + wide(width);
  if (typeof from === 'object' && from.kind !== 'label-value') {
    out.checkWidths(mnemonic, to, from);
    if (from.kind === 'general') return { opcode: [opcode], width, reg: from.number, rm: to };
    return { opcode: [opcode + 2], width, reg: (to as GeneralRegister).number, rm: from };
  }
  const isShort = width !== 8 && fitsSignedByte(from, width, out.failOf(mnemonic));
  if (isShort) {
    const immediates = [{ value: shortOf(from as number, width), width: 8 } as const];
    return { opcode: [0x83], width, reg: digit, rm: to, immediates };
  }
  const immediates = [{ value: from, width }];
  if (to.kind === 'general' && to.number === 0) return { opcode: [opcode + 4], width, immediates };
  return { opcode: [0x80 + wide(width)], width, reg: digit, rm: to, immediates };
}
