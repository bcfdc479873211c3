import { type CaseBuilder, type Width, wideBit } from './case-builder.ts';
import { accessing, changing, type Form, form } from './form.ts';

const Ecx = 1;
const Edx = 2;
const isLogical = (digit: number) => digit === 1 || digit === 4 || digit === 6;
const Binary = ['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp'];
const Shifts = ['rol', 'ror', 'rcl', 'rcr', 'shl', 'shr', 'shl (digit 6)', 'sar'];

/** A LOCK prefix where it is allowed: the destination is memory, as `modrm` chose. */
const how = (c: CaseBuilder): 'any' | 'memory' => {
  if (!c.random.oneIn(12)) return 'any';
  c.lock();
  return 'memory';
};

function binary(digit: number): Form[] {
  const name = Binary[digit]!;
  const begin = (c: CaseBuilder) => {
    if (isLogical(digit)) c.undefined('AND, OR, XOR, TEST');
    return c.width();
  };
  return [
    changing(`${name} r/m, r`, 3, (c) => {
      const width = begin(c);
      const place = digit === 7 ? 'any' : how(c);
      c.emit(8 * digit + wideBit(width));
      c.modrm(c.random.below(8), width, place);
    }),
    accessing(`${name} r, r/m`, 3, (c) => {
      const width = begin(c);
      c.emit(8 * digit + 2 + wideBit(width));
      c.modrm(c.random.below(8), width);
    }),
    form(`${name} accumulator, immediate`, 1, (c) => {
      const width = begin(c);
      c.emit(8 * digit + 4 + wideBit(width));
      c.immediate(width);
    }),
    changing(`${name} r/m, immediate`, 3, (c) => {
      const width = begin(c);
      const place = digit === 7 ? 'any' : how(c);
      const isShort = c.random.oneIn(2);
      c.emit(width === 8 ? (isShort ? 0x82 : 0x80) : isShort ? 0x83 : 0x81);
      c.modrm(digit, width, place);
      c.immediate(isShort ? 8 : width);
    }),
  ];
}

function shiftFlags(c: CaseBuilder, digit: number, count: number, width: Width): void {
  if (count === 0) return;
  if (digit < 4) {
    if (count > 1) c.undefined('ROL, ROR, RCL, RCR by more than 1');
    return;
  }
  c.undefined(count === 1 ? 'SHL, SHR, SAR, SHLD, SHRD by 1' : 'SHL, SHR, SAR, SHLD, SHRD by more than 1');
  if (count >= width && digit !== 7) c.undefined('SHL, SHR by the width or more');
}

/** A count in CL, of which five bits count. */
function countInCl(c: CaseBuilder, largest: number): number {
  const count = c.random.below(largest + 1);
  c.fix(Ecx, ((c.registers[Ecx]! & 0xffff_ff00) | (c.random.below(8) << 5) | count) >>> 0);
  return count;
}

const shift = (digit: number): Form =>
  changing(`${Shifts[digit]} r/m`, 5, (c) => {
    const width = c.width();
    const kind = c.random.below(3);
    if (kind === 0) {
      shiftFlags(c, digit, 1, width);
      c.emit(0xd0 + wideBit(width));
      c.modrm(digit, width);
    } else if (kind === 1) {
      shiftFlags(c, digit, countInCl(c, 31), width);
      c.emit(0xd2 + wideBit(width));
      c.modrm(digit, width);
    } else {
      const count = c.random.byte();
      shiftFlags(c, digit, count & 31, width);
      c.emit(0xc0 + wideBit(width));
      c.modrm(digit, width);
      c.immediate(8, count);
    }
  });

/** Counts above the width leave the operand undefined, so they are not generated. */
const doubleShift = (name: string, opcode: number): Form =>
  changing(name, 3, (c) => {
    const width = c.wide();
    const isByCl = c.random.oneIn(2);
    const largest = width === 16 ? 16 : 31;
    const count = isByCl ? countInCl(c, largest) : c.random.below(largest + 1);
    shiftFlags(c, 7, count, width);
    c.emit(0x0f, opcode + (isByCl ? 1 : 0));
    c.modrm(c.random.below(8), width);
    if (!isByCl) c.immediate(8, count);
  });

/** The dividend is small enough, mostly: else this is a division error. */
function dividend(c: CaseBuilder, width: Width, divisor: number, isSigned: boolean): void {
  if (c.random.oneIn(10) || divisor === 0) return;
  const eax = c.registers[0]!;
  if (width === 8) {
    const high = isSigned ? (eax & 0x80 ? 0xff : 0) : c.random.below(divisor);
    if (!c.isFixed(0)) c.registers[0] = ((eax & 0xffff_00ff) | (high << 8)) >>> 0;
  } else if (!c.isFixed(Edx)) {
    const sign = width === 16 ? (eax << 16) >> 31 : eax >> 31;
    c.registers[Edx] = (isSigned ? sign : c.random.below(divisor)) >>> 0;
  }
}

const unary: readonly Form[] = [
  accessing('test r/m, immediate', 2, (c) => {
    const width = c.width();
    c.undefined('AND, OR, XOR, TEST');
    c.emit(0xf6 + wideBit(width));
    c.modrm(0, width);
    c.immediate(width);
  }),
  ...[2, 3].map((digit) =>
    changing(digit === 2 ? 'not' : 'neg', 2, (c) => {
      const width = c.width();
      const place = how(c);
      c.emit(0xf6 + wideBit(width));
      c.modrm(digit, width, place);
    }),
  ),
  ...[4, 5].map((digit) =>
    accessing(digit === 4 ? 'mul' : 'imul', 2, (c) => {
      const width = c.width();
      c.undefined('MUL, IMUL');
      c.emit(0xf6 + wideBit(width));
      c.modrm(digit, width);
    }),
  ),
  ...[6, 7].map((digit) =>
    accessing(digit === 6 ? 'div' : 'idiv', 4, (c) => {
      const width = c.width();
      c.usesStack();
      c.undefined('DIV, IDIV');
      c.emit(0xf6 + wideBit(width));
      dividend(c, width, c.modrm(digit, width), digit === 7);
    }),
  ),
  ...[0, 1].map((digit) =>
    changing(digit === 0 ? 'inc r/m' : 'dec r/m', 2, (c) => {
      const width = c.width();
      const place = how(c);
      c.emit(0xfe + wideBit(width));
      c.modrm(digit, width, place);
    }),
  ),
  form('inc and dec of a register', 2, (c) => {
    c.wide();
    c.emit(0x40 + c.random.below(16));
  }),
  accessing('imul r, r/m', 2, (c) => {
    const width = c.wide();
    c.undefined('MUL, IMUL');
    c.emit(0x0f, 0xaf);
    c.modrm(c.random.below(8), width);
  }),
  accessing('imul r, r/m, immediate', 2, (c) => {
    const width = c.wide();
    const isShort = c.random.oneIn(2);
    c.undefined('MUL, IMUL');
    c.emit(isShort ? 0x6b : 0x69);
    c.modrm(c.random.below(8), width);
    c.immediate(isShort ? 8 : width);
  }),
];

const bits: readonly Form[] = [
  ...[4, 5, 6, 7].map((digit) =>
    form(`${['bt', 'bts', 'btr', 'btc'][digit - 4]} by a number`, 1, (c) => {
      const width = c.wide();
      const place = digit === 4 ? 'any' : how(c);
      c.undefined('BT, BTS, BTR, BTC');
      c.emit(0x0f, 0xba);
      c.modrm(digit, width, place);
      c.immediate(8);
    }),
  ),
  ...[4, 5, 6, 7].map((digit) =>
    form(`${['bt', 'bts', 'btr', 'btc'][digit - 4]} by a register`, 2, (c) => {
      const width = c.wide();
      c.undefined('BT, BTS, BTR, BTC');
      c.emit(0x0f, 0x83 + 8 * digit);
      const reg = c.random.pick([0, 1, 2, 3, 5, 6, 7]);
      if (c.random.oneIn(2)) {
        c.modrm(reg, width, 'register');
        return;
      }
      // The bit is up to 8 bytes before or behind the operand.
      c.fix(reg, (c.random.below(129) - 64) >>> 0);
      c.memoryOperand(reg, 16 + c.random.below(56));
    }),
  ),
  accessing('bsf and bsr', 3, (c) => {
    const width = c.wide();
    c.undefined('BSF, BSR');
    c.emit(0x0f, 0xbc + c.random.below(2));
    c.modrm(c.random.below(8), width);
  }),
  form('bswap', 1, (c) => {
    c.wide(32);
    c.emit(0x0f, 0xc8 + c.random.below(8));
  }),
];

const decimal: readonly Form[] = [
  ...[0x27, 0x2f].map((opcode) =>
    form(opcode === 0x27 ? 'daa' : 'das', 1, (c) => {
      c.undefined('DAA, DAS');
      c.emit(opcode);
    }),
  ),
  ...[0x37, 0x3f].map((opcode) =>
    form(opcode === 0x37 ? 'aaa' : 'aas', 1, (c) => {
      c.undefined('AAA, AAS');
      c.emit(opcode);
    }),
  ),
  ...[0xd4, 0xd5].map((opcode) =>
    form(opcode === 0xd4 ? 'aam' : 'aad', 1, (c) => {
      c.undefined('AAM, AAD');
      c.emit(opcode, c.random.oneIn(2) ? 10 : 1 + c.random.below(255));
    }),
  ),
];

const exchanges: readonly Form[] = [
  accessing('test r/m, r', 2, (c) => {
    const width = c.width();
    c.undefined('AND, OR, XOR, TEST');
    c.emit(0x84 + wideBit(width));
    c.modrm(c.random.below(8), width);
  }),
  form('test accumulator, immediate', 1, (c) => {
    const width = c.width();
    c.undefined('AND, OR, XOR, TEST');
    c.emit(0xa8 + wideBit(width));
    c.immediate(width);
  }),
  changing('xadd', 2, (c) => {
    const width = c.width();
    const place = how(c);
    c.emit(0x0f, 0xc0 + wideBit(width));
    c.modrm(c.random.below(8), width, place);
  }),
  changing('cmpxchg', 3, (c) => {
    const width = c.width();
    const place = how(c);
    c.emit(0x0f, 0xb0 + wideBit(width));
    const value = c.modrm(c.random.below(8), width, place);
    if (c.random.oneIn(2) && !c.isFixed(0))
      c.registers[0] = width === 32 ? value : ((c.registers[0]! & ~0xffff) | value) >>> 0;
  }),
  changing('cmpxchg8b', 1, (c) => {
    const place = how(c);
    c.emit(0x0f, 0xc7);
    const low = c.modrm(1, 32, place === 'any' ? 'memory' : place, 8);
    if (c.random.oneIn(2) && !c.isFixed(0)) c.registers[0] = low;
  }),
];

export const arithmeticForms: readonly Form[] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap(binary),
  ...[0, 1, 2, 3, 4, 5, 6, 7].map(shift),
  doubleShift('shld', 0xa4),
  doubleShift('shrd', 0xac),
  ...unary,
  ...bits,
  ...decimal,
  ...exchanges,
];
