import { type CaseBuilder, Esp, wideBit } from './case-builder.ts';
import { accessing, changing, type Form, form } from './form.ts';
import { MemorySize, Place, Selector } from './layout.ts';

const Ebp = 5;

const moves: readonly Form[] = [
  accessing('mov r/m, r', 3, (c) => {
    const width = c.width();
    c.emit(0x88 + wideBit(width));
    c.modrm(c.random.below(8), width);
  }),
  accessing('mov r, r/m', 3, (c) => {
    const width = c.width();
    c.emit(0x8a + wideBit(width));
    c.modrm(c.random.below(8), width);
  }),
  accessing('mov r/m, immediate', 2, (c) => {
    const width = c.width();
    c.emit(0xc6 + wideBit(width));
    c.modrm(0, width);
    c.immediate(width);
  }),
  form('mov r, immediate', 1, (c) => {
    const width = c.width();
    c.emit((width === 8 ? 0xb0 : 0xb8) + c.random.below(8));
    c.immediate(width);
  }),
  accessing('mov between accumulator and an address', 2, (c) => {
    const width = c.width();
    const size = width / 8;
    c.emit(0xa0 + 2 * c.random.below(2) + wideBit(width));
    const offset = c.lowest + c.random.below(c.highest - c.lowest - size + 1);
    c.immediate(c.address32 ? 32 : 16, c.effective(c.area + offset));
  }),
  accessing('movzx and movsx', 4, (c) => {
    c.wide();
    const isWord = c.random.below(2);
    c.emit(0x0f, c.random.pick([0xb6, 0xbe]) + isWord);
    c.modrm(c.random.below(8), isWord ? 16 : 8);
  }),
  changing('xchg r/m, r', 2, (c) => {
    const width = c.width();
    c.emit(0x86 + wideBit(width));
    c.modrm(c.random.below(8), width);
  }),
  form('xchg with the accumulator', 1, (c) => {
    c.wide();
    c.emit(0x90 + c.random.below(8));
  }),
  accessing('cmovcc', 3, (c) => {
    const width = c.wide();
    c.emit(0x0f, 0x40 + c.random.below(16));
    c.modrm(c.random.below(8), width);
  }),
  accessing('setcc', 3, (c) => {
    c.emit(0x0f, 0x90 + c.random.below(16));
    c.modrm(c.random.below(8), 8);
  }),
  form('lea', 3, (c) => {
    const width = c.wide();
    c.emit(0x8d);
    c.modrm(c.random.below(8), width, 'memory');
  }),
  form('cbw, cwde, cwd, cdq', 1, (c) => {
    c.wide();
    c.emit(0x98 + c.random.below(2));
  }),
  form('sahf, lahf', 1, (c) => c.emit(0x9e + c.random.below(2))),
  form('clc, stc, cmc, cld, std, cli, nop', 1, (c) =>
    c.emit(c.random.pick([0xf8, 0xf9, 0xf5, 0xfc, 0xfd, 0xfa, 0x90])),
  ),
  form('xlat', 1, (c) => {
    c.emit(0xd7);
    const al = c.registers[0]! & 0xff;
    c.fix(0, c.registers[0]!);
    const address = c.effective(c.area + c.lowest + c.random.below(c.highest - c.lowest)) - al;
    c.fix(3, (c.address32 ? address : (c.registers[3]! & ~0xffff) | (address & 0xffff)) >>> 0);
  }),
  accessing('mov r/m, segment', 1, (c) => {
    c.wide();
    c.emit(0x8c);
    c.modrm(c.random.pick([0, 1, 2, 3, 4, 5]), 16);
  }),
  form('mov segment, r/m', 1, (c) => {
    c.usesStack();
    const reg = c.random.below(8);
    if (reg === Esp) return c.emit(0x90);
    c.fix(reg, (c.registers[reg]! & ~0xffff) | c.random.pick([0, Selector.data, Selector.fs, Selector.gs]));
    c.emit(0x8e, 0xc0 | (c.random.pick([0, 3, 4, 5]) << 3) | reg);
  }),
];

const stack = (name: string, weight: number, make: (c: CaseBuilder) => void): Form =>
  form(name, weight, (c) => {
    c.usesStack();
    make(c);
  });

const stacks: readonly Form[] = [
  stack('push and pop of a register', 4, (c) => {
    c.wide();
    c.emit(0x50 + c.random.below(16));
  }),
  stack('push immediate', 1, (c) => {
    const width = c.wide();
    const isShort = c.random.oneIn(2);
    c.emit(isShort ? 0x6a : 0x68);
    c.immediate(isShort ? 8 : width);
  }),
  stack('push r/m', 2, (c) => {
    const width = c.wide();
    c.emit(0xff);
    c.modrm(6, width);
  }),
  stack('pop r/m', 2, (c) => {
    const width = c.wide();
    c.emit(0x8f);
    popTo(c, width);
  }),
  stack('pusha and popa', 2, (c) => {
    c.wide();
    c.emit(0x60 + c.random.below(2));
  }),
  stack('pushf', 1, (c) => {
    c.wide();
    c.emit(0x9c);
  }),
  stack('popf', 1, (c) => {
    const width = c.wide();
    c.emit(0x68);
    c.immediate(width, (c.random.bits() & 0x8d5) | 2);
    if (width !== c.bits) c.emit(0x66);
    c.emit(0x9d);
  }),
  stack('enter', 1, (c) => {
    c.wide();
    enter(c);
  }),
  stack('leave', 1, (c) => {
    c.wide();
    const bp = Place.result + c.random.below(MemorySize - 4);
    c.fix(Ebp, c.bits === 16 && c.stack === Selector.stack16 ? ((c.random.bits() & ~0xffff) | bp) >>> 0 : bp);
    c.emit(0xc9);
  }),
  stack('push of a segment register', 1, (c) => {
    // Of 32 bits, the upper half is undefined.
    c.wide(16);
    const segment = c.random.pick([[0x06], [0x0e], [0x16], [0x1e], [0x0f, 0xa0], [0x0f, 0xa8]]);
    c.emit(...segment);
  }),
  stack('pop of a segment register', 1, (c) => {
    const width = c.wide();
    c.emit(0x68);
    c.immediate(width, c.random.pick([0, Selector.data, Selector.fs, Selector.gs]));
    if (width !== c.bits) c.emit(0x66);
    const segment = c.random.pick([[0x07], [0x1f], [0x0f, 0xa1], [0x0f, 0xa9]]);
    c.emit(...segment);
  }),
];

/** Addresses with ESP are computed after the pop. */
function popTo(c: CaseBuilder, width: 16 | 32): void {
  if (c.random.oneIn(3)) {
    c.modrm(0, width, 'register');
    return;
  }
  c.address32 = true;
  const address = Place.result + 8 + c.random.below(60);
  const isOnStack = c.stack === Selector.stack && c.random.oneIn(2);
  if (isOnStack) c.emit(0x84, 0x24);
  else c.emit(0x05);
  c.immediate(32, isOnStack ? address - c.registers[Esp]! - width / 8 : address);
}

/** Without nested frames: see the README. */
function enter(c: CaseBuilder): void {
  c.emit(0xc8);
  c.immediate(16, c.random.below(16));
  c.emit(0);
}

export const moveForms: readonly Form[] = [...moves, ...stacks];
