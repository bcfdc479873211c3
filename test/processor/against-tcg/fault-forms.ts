import { type CaseBuilder, Esp } from './case-builder.ts';
import { chooser, type Form, form } from './form.ts';
import { Alias, MemorySize, Place, Selector } from './layout.ts';

const Ecx = 1;
const ArithmeticFlags = 0x8d5;
const Esi = 6;
const Edi = 7;
/** Where the memory of a case goes on in the next page. */
const Crossing = 0x1000 - (Place.result & 0xfff);

/** The memory of the case is at this alias, and operands reach the second page: from inside of it, or across. */
function behind(c: CaseBuilder, alias: number): void {
  c.area = alias + (Place.result & 0xfff);
  c.lowest = c.random.oneIn(2) ? Crossing - 3 : Crossing;
  c.highest = c.lowest + 12;
}

/**
 * After a fault in the middle of one of these, TCG's flags are those of a part of the instruction: they are not compared.
 * @see Intel SDM, volume 2, REP: after a fault in CMPS and SCAS EFLAGS are as before the instruction
 */
const LosesFlags = /^(rcl|rcr|cmps|scas)/;
const WriteAccess = 2;

/** A form of the other lists meets a page that is not present, read only, or of ring 0. */
const pageFaults = (forms: readonly Form[]): Form => {
  const choose = chooser(forms.filter((one) => one.accesses === true));
  return form('page fault', 30, (c) => {
    const inner = choose((limit) => c.random.below(limit));
    c.name = `page fault in ${inner.name}`;
    const kind = c.random.below(5);
    if (LosesFlags.test(inner.name)) c.mask &= ~ArithmeticFlags;
    if (kind === 4 || kind === 1 || LosesFlags.test(inner.name)) becomeUser(c);
    else c.usesStack();
    if (kind === 4) {
      c.area = Alias.supervisor + (Place.result & 0xfff);
      c.highest = Crossing;
    } else behind(c, kind === 3 ? Alias.readOnly : Alias.absent);
    // An instruction that reads and writes faults as a write, as on silicon; TCG reads first.
    if (inner.changes === true) c.errorMask &= ~WriteAccess;
    inner.make(c);
  });
};

/** Ring 3, whose exceptions have a stack of their own. */
function becomeUser(c: CaseBuilder): void {
  c.ring3 = true;
  c.stack = Selector.stack;
  c.fix(Esp, Place.result + 40);
}

const raise = (name: string, weight: number, make: (c: CaseBuilder) => void): Form =>
  form(name, weight, (c) => {
    if (c.random.oneIn(3)) becomeUser(c);
    else c.usesStack();
    make(c);
  });

const user = (name: string, weight: number, make: (c: CaseBuilder) => void): Form =>
  form(name, weight, (c) => {
    becomeUser(c);
    make(c);
  });

const kernel = (name: string, weight: number, make: (c: CaseBuilder) => void): Form =>
  form(name, weight, (c) => {
    c.usesStack();
    make(c);
  });

const divisions: readonly Form[] = [
  raise('division by zero', 3, (c) => {
    const width = c.width();
    const register = c.random.pick([0, 1, 2, 3]);
    c.fix(register, 0);
    c.emit(width === 8 ? 0xf6 : 0xf7, 0xc0 | (c.random.pick([6, 7]) << 3) | register);
  }),
  raise('division whose quotient is too large', 3, (c) => {
    c.wide(32);
    c.fix(2, 0x7fff_0000 | c.random.below(0x10000));
    c.fix(3, 1 + c.random.below(1000));
    c.emit(0xf7, c.random.pick([0xf3, 0xfb]));
  }),
  raise('aam 0', 1, (c) => c.emit(0xd4, 0)),
];

const invalid: readonly Form[] = [
  raise('undefined opcodes', 4, (c) =>
    c.emit(
      ...c.random.pick([
        [0x0f, 0x0b],
        [0x0f, 0xff],
        [0x0f, 0xb9, 0xc0],
      ]),
    ),
  ),
  raise('lea, les, lds, cmpxchg8b of a register', 3, (c) =>
    c.emit(
      ...c.random.pick([
        [0x8d, 0xc8],
        [0xc4, 0xc8],
        [0xc5, 0xd9],
        [0x0f, 0xc7, 0xc8],
      ]),
    ),
  ),
  raise('mov to cs, or to a segment that is none', 2, (c) => c.emit(0x8e, 0xc0 | (c.random.pick([1, 6, 7]) << 3))),
  raise('group 4 and 5 without an instruction', 1, (c) =>
    c.emit(
      ...c.random.pick([
        [0xfe, 0xd0],
        [0xff, 0xf8],
        [0xff, 0xd8],
        [0xff, 0xe8],
      ]),
    ),
  ),
];

const software: readonly Form[] = [
  raise('int3', 4, (c) => c.emit(0xcc)),
  raise('into', 4, (c) => {
    c.flags |= c.random.oneIn(5) ? 0 : 0x800;
    c.emit(0xce);
  }),
  kernel('int of ring 0', 2, (c) => c.emit(0xcd, c.random.pick([0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 18, 30, 31]))),
  user('int of ring 3 to a gate of ring 0', 2, (c) => c.emit(0xcd, c.random.below(32))),
];

/** A segment register gets this selector, by MOV, POP or a far pointer. */
function loadSegment(c: CaseBuilder, segment: number, selector: number): void {
  const kind = segment === 2 ? 0 : c.random.below(2);
  if (kind === 0) {
    c.fix(0, ((c.random.bits() & ~0xffff) | selector) >>> 0);
    c.emit(0x8e, 0xc0 | (segment << 3));
    return;
  }
  const width = c.wide();
  c.emit(0x68);
  c.immediate(width, selector);
  if (width !== c.bits) c.emit(0x66);
  c.emit(...[[0x07], [], [], [0x1f], [0x0f, 0xa1], [0x0f, 0xa9]][segment]!);
}

const segments: readonly Form[] = [
  raise('a segment that is not present', 5, (c) => loadSegment(c, c.random.pick([0, 3, 4, 5]), Selector.absentData)),
  kernel('a stack that is not present', 5, (c) => loadSegment(c, 2, Selector.absentStack)),
  user('a stack that is not present, in ring 3', 2, (c) => loadSegment(c, 2, Selector.absentData)),
  raise('a segment beyond the table', 3, (c) =>
    loadSegment(c, c.random.pick([0, 3, 4, 5]), Selector.beyond + c.random.below(4)),
  ),
  raise('a segment that is no data', 2, (c) =>
    loadSegment(c, c.random.pick([0, 3, 4, 5]), c.random.pick([Selector.executeOnly, Selector.task])),
  ),
  user('a segment of ring 0', 2, (c) => loadSegment(c, c.random.pick([0, 3, 4, 5]), Selector.kernelData)),
  raise('a stack that may not be one', 3, (c) =>
    loadSegment(c, 2, c.random.pick([0, Selector.beyond, Selector.executeOnly, Selector.code, Selector.stack | 1])),
  ),
  raise('far jmp and call to what is no code', 4, (c) => {
    c.emit(c.random.pick([0x9a, 0xea]));
    c.immediate(c.bits, Place.driver);
    c.immediate(16, c.random.pick([0, Selector.absentCode, Selector.beyond, Selector.stack]));
  }),
];

const privileged: readonly Form[] = [
  user('privileged instructions in ring 3', 8, (c) =>
    c.emit(
      ...c.random.pick([
        [0xfa],
        [0xfb],
        [0xf4],
        [0x0f, 0x06],
        [0x0f, 0x09],
        [0x0f, 0x20, 0xc0],
        [0x0f, 0x22, 0xd8],
        [0x0f, 0x30],
        [0x0f, 0x32],
        [0x0f, 0x01, 0xf0],
        [0x0f, 0x00, 0xd0],
        [0x0f, 0x00, 0xd8],
      ]),
    ),
  ),
  user('in and out in ring 3', 4, (c) =>
    c.emit(...c.random.pick([[0xe4, 0x80], [0xe6, 0x80], [0xec], [0xee], [0xed], [0xef]])),
  ),
];

const pages: readonly Form[] = [
  user('stack at a page that is not present', 6, (c) => {
    const edge = c.random.below(5) - 2;
    const isPush = c.random.oneIn(2);
    c.fix(Esp, (isPush ? Alias.absentPage + 0x1000 : Alias.absentPage) + edge);
    c.wide();
    c.emit(isPush ? c.random.pick([0x50, 0x53, 0x9c, 0x0e]) : c.random.pick([0x58, 0x5b, 0x1f]));
  }),
  raise('jmp to a page that is not present', 3, (c) => {
    if (c.bits === 16) return c.emit(0xcc);
    c.fix(3, Alias.absentPage + c.random.below(0x1000));
    c.emit(0xff, c.random.pick([0xe3, 0xd3]));
  }),
  kernel('a string that goes on after its page fault', 12, (c) => {
    c.restart = true;
    const opcode = c.random.pick([0xa4, 0xa6, 0xaa, 0xac, 0xae]);
    // The flags on the stack: see above.
    if (opcode === 0xa6 || opcode === 0xae) becomeUser(c);
    c.stack = Selector.stack;
    c.fix(Esp, Place.result + 84);
    c.flags &= ~0x400;
    c.address32 = c.bits === 32 || c.random.oneIn(2);
    const width = c.random.oneIn(3) ? 8 : c.wide();
    const size = width / 8;
    c.prefixes.push(c.random.pick([0xf2, 0xf3]));
    const count = c.random.below(8);
    const alias = Alias.absent + (Place.result & 0xfff);
    c.fix(Ecx, count);
    // Of two pages that are not present, each processor may meet the one or the other first.
    const [source, destination] = c.random.pick([
      [alias, Place.result],
      [Place.result, alias],
    ]);
    c.fix(Esi, source! + Crossing - c.random.below(20));
    c.fix(Edi, destination! + Crossing - c.random.below(20));
    if (!c.address32)
      for (const number of [Ecx, Esi, Edi])
        c.registers[number] = (c.registers[number]! | (c.random.bits() << 16)) >>> 0;
    c.emit(opcode + (size === 1 ? 0 : 1));
  }),
  raise('two pages of one access', 2, (c) => {
    // From a page that is not present into one that is.
    c.area = Alias.absentPage + 0x1000 - MemorySize;
    c.lowest = MemorySize - 3;
    c.highest = MemorySize + 1;
    c.emit(c.random.pick([0x01, 0x89, 0x8b, 0x87]));
    c.errorMask &= ~WriteAccess;
    c.wide(32);
    c.memoryOperand(c.random.below(8), MemorySize - 1 - c.random.below(3));
  }),
];

export const faultForms = (others: readonly Form[]): readonly Form[] => [
  pageFaults(others),
  ...divisions,
  ...invalid,
  ...software,
  ...segments,
  ...privileged,
  ...pages,
];
