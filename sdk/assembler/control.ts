import type { Emitter } from './emitter.ts';
import type { CodeBits } from './encoding.ts';
import type { Memory, RegisterOrMemory, Value } from './operands.ts';
import type { GeneralRegister, Width } from './registers.ts';

/** The conditions of Jcc, SETcc and CMOVcc, with their other names. @see Intel SDM, volume 1, appendix B */
const Conditions = {
  o: 0x0,
  no: 0x1,
  b: 0x2,
  c: 0x2,
  nae: 0x2,
  ae: 0x3,
  nb: 0x3,
  nc: 0x3,
  e: 0x4,
  z: 0x4,
  ne: 0x5,
  nz: 0x5,
  be: 0x6,
  na: 0x6,
  a: 0x7,
  nbe: 0x7,
  s: 0x8,
  ns: 0x9,
  p: 0xa,
  pe: 0xa,
  np: 0xb,
  po: 0xb,
  l: 0xc,
  nge: 0xc,
  ge: 0xd,
  nl: 0xd,
  le: 0xe,
  ng: 0xe,
  g: 0xf,
  nle: 0xf,
} as const satisfies Readonly<Record<Condition, number>>;

/** Jumps with a short form only. The width of the counter may differ from the code's. */
const CounterJumps = {
  loopne: [0xe0, undefined],
  loope: [0xe1, undefined],
  loop: [0xe2, undefined],
  jcxz: [0xe3, 16],
  jecxz: [0xe3, 32],
} as const satisfies Readonly<Record<CounterJump, readonly unknown[]>>;

/** The conditions of Jcc, SETcc and CMOVcc. */
export type Condition =
  | 'o'
  | 'no'
  | 'b'
  | 'c'
  | 'nae'
  | 'ae'
  | 'nb'
  | 'nc'
  | 'e'
  | 'z'
  | 'ne'
  | 'nz'
  | 'be'
  | 'na'
  | 'a'
  | 'nbe'
  | 's'
  | 'ns'
  | 'p'
  | 'pe'
  | 'np'
  | 'po'
  | 'l'
  | 'nge'
  | 'ge'
  | 'nl'
  | 'le'
  | 'ng'
  | 'g'
  | 'nle';
/** Jumps by the value of CX or ECX. */
export type CounterJump = 'loopne' | 'loope' | 'loop' | 'jcxz' | 'jecxz';

/** Instructions that choose the next one. */
export type ControlInstructions = {
  /** Short where the target is near enough. */
  readonly [C in Condition as `j${C}`]: (target: Value) => void;
} & { readonly [C in Condition as `set${C}`]: (to: RegisterOrMemory<8>) => void } & {
  readonly [C in Condition as `cmov${C}`]: <W extends 16 | 32>(
    to: GeneralRegister<W>,
    from: RegisterOrMemory<NoInfer<W>>,
  ) => void;
} & {
  /** To a target within 127 bytes. */
  readonly [Name in CounterJump]: (target: Value) => void;
} & {
  /** To a label or address: short where it is near enough. Or to an address in a register or in memory. */
  jmp(target: RegisterOrMemory<16 | 32> | Value): void;
  call(target: RegisterOrMemory<16 | 32> | Value): void;
  /** To a segment and an offset in it, of the width of the code, or of `bits`. */
  jmpFar(selector: Value, offset: Value, bits?: CodeBits): void;
  /** To a far pointer in memory: the offset has the width of the operand, and the selector is behind it. */
  jmpFar(pointer: Memory<16 | 32>): void;
  callFar(selector: Value, offset: Value, bits?: CodeBits): void;
  callFar(pointer: Memory<16 | 32>): void;
  /** Takes a number of bytes from the stack, too. */
  ret(bytes?: number): void;
  retf(bytes?: number): void;
  int(vector: number): void;
  enter(bytes: number, level: number): void;
};

export function controlInstructions(out: Emitter): ControlInstructions {
  const near = (
    mnemonic: string,
    digit: number,
    target: RegisterOrMemory | Value,
    short?: number[],
    long?: number[],
  ) => {
    if (typeof target !== 'object' || target.kind === 'label-value') return out.jump(mnemonic, target, short, long);
    out.emit(mnemonic, { opcode: [0xff], width: target.width, reg: digit, rm: target });
  };
  const far =
    (mnemonic: string, digit: number, opcode: number) =>
    (target: Memory | Value, offset?: Value, bits: CodeBits = out.bits) => {
      if (typeof target === 'object' && target.kind === 'memory') {
        return out.emit(mnemonic, { opcode: [0xff], width: target.width, reg: digit, rm: target });
      }
      const immediates = [
        { value: offset ?? 0, width: bits },
        { value: target, width: 16 as Width },
      ];
      out.emit(mnemonic, { opcode: [opcode], width: bits, immediates });
    };
  const back = (mnemonic: string, opcode: number) => (bytes?: number) => {
    const immediates = bytes === undefined ? [] : [{ value: bytes, width: 16 } as const];
    out.emit(mnemonic, { opcode: [bytes === undefined ? opcode : opcode - 1], immediates });
  };
  return {
    ...conditional(out),
    ...counterJumps(out),
    jmp: (target: RegisterOrMemory<16 | 32> | Value) => near('jmp', 4, target, [0xeb], [0xe9]),
    call: (target: RegisterOrMemory<16 | 32> | Value) => near('call', 2, target, undefined, [0xe8]),
    jmpFar: far('jmpFar', 5, 0xea),
    callFar: far('callFar', 3, 0x9a),
    ret: back('ret', 0xc3),
    retf: back('retf', 0xcb),
    int: (vector: number) => out.emit('int', { opcode: [0xcd], immediates: [{ value: vector, width: 8 }] }),
    enter(bytes: number, level: number) {
      out.checkRange('enter', level, 0, 31);
      const immediates = [{ value: bytes, width: 16 } as const, { value: level, width: 8 } as const];
      out.emit('enter', { opcode: [0xc8], immediates });
    },
  } as ControlInstructions;
}

function conditional(out: Emitter): object {
  const methods = Object.entries(Conditions).flatMap(([name, code]) => [
    [`j${name}`, (target: Value) => out.jump(`j${name}`, target, [0x70 + code], [0x0f, 0x80 + code])],
    [
      `set${name}`,
      (to: RegisterOrMemory) => out.emit(`set${name}`, { opcode: [0x0f, 0x90 + code], width: 8, reg: 0, rm: to }),
    ],
    [
      `cmov${name}`,
      ({ width, number }: GeneralRegister, from: RegisterOrMemory) =>
        out.emit(`cmov${name}`, { opcode: [0x0f, 0x40 + code], width, reg: number, rm: from }),
    ],
  ]);
  return Object.fromEntries(methods);
}

function counterJumps(out: Emitter): object {
  const methods = Object.entries(CounterJumps).map(([name, [opcode, bits]]) => [
    name,
    (target: Value) => {
      const prefix = bits === undefined || bits === out.bits ? [] : [0x67];
      out.jump(name, target, [...prefix, opcode]);
    },
  ]);
  return Object.fromEntries(methods);
}
