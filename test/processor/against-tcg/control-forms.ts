import { type CaseBuilder, Esp } from './case-builder.ts';
import { type Form, form } from './form.ts';
import { Place, Selector } from './layout.ts';

const Ecx = 1;
/** NOT EAX (AX in 16-bit code) is jumped over, or not. */
const Marker = [0xf7, 0xd0] as const;

/** The width of a branch: by a prefix in 16-bit code only, where the upper half of EIP stays. */
const target = (c: CaseBuilder): 16 | 32 => (c.bits === 16 && c.random.oneIn(3) ? c.wide(32) : c.bits);

/** `push offset` and what follows it: where the code after `length` more bytes and the marker is. */
function pushTarget(c: CaseBuilder, length: number): void {
  const before = c.prefixes.length + c.code.length + (c.address32 === (c.bits === 32) ? 0 : 1);
  c.emit(0x68);
  c.immediate(c.bits, c.entry + before + 1 + c.bits / 8 + length + Marker.length);
}

/** By a number: PUSH CS leaves the upper half of its word undefined. */
function pushCode(c: CaseBuilder): void {
  c.emit(0x68);
  c.immediate(c.bits, c.codeSelector);
}

export const controlForms: readonly Form[] = [
  form('jcc', 4, (c) => {
    if (c.random.oneIn(2)) c.emit(0x70 + c.random.below(16), Marker.length);
    else {
      const width = target(c);
      c.emit(0x0f, 0x80 + c.random.below(16));
      c.immediate(width, Marker.length);
    }
    c.emit(...Marker);
  }),
  form('loop, loope, loopne, jcxz', 3, (c) => {
    if (c.random.oneIn(2)) {
      const low = c.random.below(3);
      c.registers[Ecx] = c.random.oneIn(2) ? low : ((c.random.bits() & ~0xffff) | low) >>> 0;
    }
    c.emit(0xe0 + c.random.below(4), Marker.length, ...Marker);
  }),
  form('jmp', 1, (c) => {
    if (c.random.oneIn(2)) c.emit(0xeb, Marker.length);
    else {
      const width = target(c);
      c.emit(0xe9);
      c.immediate(width, Marker.length);
    }
    c.emit(...Marker);
  }),
  form('call', 2, (c) => {
    c.usesStack();
    const width = target(c);
    c.emit(0xe8);
    c.immediate(width, Marker.length);
    c.emit(...Marker);
  }),
  form('jmp and call to a register', 2, (c) => {
    c.usesStack();
    const register = c.random.pick([0, 1, 2, 3, 5, 6, 7]);
    const length = 2 + (c.address32 === (c.bits === 32) ? 0 : 1) + Marker.length;
    c.fix(register, ((c.bits === 16 ? c.random.bits() & ~0xffff : 0) | (c.entry + length)) >>> 0);
    c.emit(0xff, 0xc0 | (c.random.pick([2, 4]) << 3) | register, ...Marker);
  }),
  form('jmp and call to an address on the stack', 1, (c) => {
    c.usesStack();
    c.stack = Selector.stack;
    c.fix(Esp, Place.result + 40);
    c.address32 = c.bits === 32;
    const digit = c.random.pick([2, 4]) << 3;
    if (c.bits === 32) {
      pushTarget(c, 3);
      c.emit(0xff, digit | 4, 0x24);
    } else {
      pushTarget(c, 4);
      c.emit(0xff, digit | 6);
      c.immediate(16, Place.result + 38);
    }
    c.emit(...Marker);
  }),
  form('ret', 2, (c) => {
    c.usesStack();
    const isShort = c.random.oneIn(2);
    pushTarget(c, isShort ? 1 : 3);
    c.emit(isShort ? 0xc3 : 0xc2);
    if (!isShort) c.immediate(16, c.random.below(20));
    c.emit(...Marker);
  }),
  form('far call', 1, (c) => {
    c.usesStack();
    const before = c.prefixes.length + (c.address32 === (c.bits === 32) ? 0 : 1);
    c.emit(0x9a);
    c.immediate(c.bits, c.entry + before + 3 + c.bits / 8 + Marker.length);
    c.immediate(16, c.codeSelector);
    c.emit(...Marker);
  }),
  form('far ret', 1, (c) => {
    c.usesStack();
    const isShort = c.random.oneIn(2);
    pushCode(c);
    pushTarget(c, isShort ? 1 : 3);
    c.emit(isShort ? 0xcb : 0xca);
    if (!isShort) c.immediate(16, c.random.below(20));
    c.emit(...Marker);
  }),
  form('iret', 1, (c) => {
    c.usesStack();
    c.emit(0x9c);
    pushCode(c);
    pushTarget(c, 1);
    c.emit(0xcf, ...Marker);
  }),
];
