import type { CaseBuilder } from './case-builder.ts';
import { type Form, form } from './form.ts';
import { Place, Selector } from './layout.ts';

const Registers = [0, 1, 2, 3, 5, 6, 7] as const;
const Selectors = [
  0,
  Selector.code,
  Selector.stack,
  Selector.data,
  Selector.userCode,
  Selector.fs,
  Selector.stack16,
  Selector.task,
  Selector.absentData,
  Selector.executeOnly,
  Selector.kernelData,
  Selector.beyond,
];

/** A register other than ESP with a selector in its lower half. */
function withSelector(c: CaseBuilder): number {
  const register = c.random.pick(Registers);
  c.fix(register, ((c.random.bits() & ~0xffff) | c.random.pick(Selectors)) >>> 0);
  return register;
}

/** Instructions that look at descriptors, and those that load a far pointer. */
export const selectorForms: readonly Form[] = [
  form('lar and lsl', 1, (c) => {
    // LAR of 32 bits leaves four bits undefined: those of the limit.
    const isLimit = c.random.oneIn(2);
    c.wide(isLimit ? undefined : 16);
    c.emit(0x0f, isLimit ? 0x03 : 0x02);
    c.emit(0xc0 | (c.random.below(8) << 3) | withSelector(c));
  }),
  form('verr and verw', 1, (c) => {
    c.emit(0x0f, 0x00, 0xe0 | (c.random.below(2) << 3) | withSelector(c));
  }),
  form('arpl', 1, (c) => {
    c.emit(0x63);
    c.modrm(c.random.below(8), 16);
  }),
  form('sldt, str, smsw', 1, (c) => {
    c.wide(16);
    const [opcode, digit] = c.random.pick([
      [0x00, 0],
      [0x00, 1],
      [0x01, 4],
    ] as const);
    c.emit(0x0f, opcode);
    c.modrm(digit, 16);
  }),
  form('les, lds, lfs, lgs', 1, (c) => {
    c.usesStack();
    c.stack = Selector.stack;
    c.fix(4, Place.result + 60);
    c.address32 = c.bits === 32;
    c.emit(0x68);
    c.immediate(c.bits, c.random.pick([0, Selector.data, Selector.fs, Selector.gs]));
    c.emit(0x68);
    c.immediate(c.bits);
    c.emit(...c.random.pick([[0xc4], [0xc5], [0x0f, 0xb4], [0x0f, 0xb5]]));
    const register = c.random.pick(Registers) << 3;
    if (c.bits === 32) c.emit(register | 4, 0x24);
    else {
      c.emit(register | 6);
      c.immediate(16, Place.result + 56);
    }
  }),
];
