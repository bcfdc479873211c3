import type { Emitter } from './emitter.ts';
import { type AddressLike, addressOf, type RegisterOrMemory } from './operands.ts';
import type { Width } from './registers.ts';

/** Instructions without operands. */
const Plain = {
  aaa: [0x37],
  aad: [0xd5, 0x0a],
  aam: [0xd4, 0x0a],
  aas: [0x3f],
  clc: [0xf8],
  cld: [0xfc],
  cli: [0xfa],
  clts: [0x0f, 0x06],
  cmc: [0xf5],
  cpuid: [0x0f, 0xa2],
  daa: [0x27],
  das: [0x2f],
  fninit: [0xdb, 0xe3],
  hlt: [0xf4],
  int3: [0xcc],
  into: [0xce],
  invd: [0x0f, 0x08],
  iret: [0xcf],
  lahf: [0x9f],
  leave: [0xc9],
  lock: [0xf0],
  nop: [0x90],
  popa: [0x61],
  popf: [0x9d],
  pusha: [0x60],
  pushf: [0x9c],
  rdmsr: [0x0f, 0x32],
  rdtsc: [0x0f, 0x31],
  sahf: [0x9e],
  stc: [0xf9],
  std: [0xfd],
  sti: [0xfb],
  ud2: [0x0f, 0x0b],
  wbinvd: [0x0f, 0x09],
  wrmsr: [0x0f, 0x30],
  xlatb: [0xd7],
} as const satisfies Readonly<Record<PlainInstruction, readonly number[]>>;

/** Instructions without operands, and the width that they work in, whatever the code's. */
const OfWidth = {
  cbw: [0x98, 16],
  cwde: [0x98, 32],
  cwd: [0x99, 16],
  cdq: [0x99, 32],
  iretw: [0xcf, 16],
  iretd: [0xcf, 32],
  popaw: [0x61, 16],
  popad: [0x61, 32],
  popfw: [0x9d, 16],
  popfd: [0x9d, 32],
  pushaw: [0x60, 16],
  pushad: [0x60, 32],
  pushfw: [0x9c, 16],
  pushfd: [0x9c, 32],
} as const satisfies Readonly<Record<WidthInstruction, readonly number[]>>;

/** String instructions: those of bytes, words of 16 bits, and of 32 bits. */
const Strings = {
  movsb: [0xa4, 8],
  movsw: [0xa5, 16],
  movsd: [0xa5, 32],
  cmpsb: [0xa6, 8],
  cmpsw: [0xa7, 16],
  cmpsd: [0xa7, 32],
  stosb: [0xaa, 8],
  stosw: [0xab, 16],
  stosd: [0xab, 32],
  lodsb: [0xac, 8],
  lodsw: [0xad, 16],
  lodsd: [0xad, 32],
  scasb: [0xae, 8],
  scasw: [0xaf, 16],
  scasd: [0xaf, 32],
  insb: [0x6c, 8],
  insw: [0x6d, 16],
  insd: [0x6d, 32],
  outsb: [0x6e, 8],
  outsw: [0x6f, 16],
  outsd: [0x6f, 32],
} as const satisfies Readonly<Record<StringInstruction, readonly number[]>>;

/** Instructions with a place in memory: the second byte of the opcode, and the digit. */
const WithMemory = {
  sgdt: [0x01, 0],
  sidt: [0x01, 1],
  lgdt: [0x01, 2],
  lidt: [0x01, 3],
  invlpg: [0x01, 7],
} as const satisfies Readonly<Record<TableInstruction, readonly number[]>>;
/** Instructions with a register of 16 bits or a word in memory. */
const WithSelector = { lldt: [0x00, 2], ltr: [0x00, 3], lmsw: [0x01, 6] } as const satisfies Readonly<
  Record<SelectorInstruction, readonly number[]>
>;

/** Instructions without operands. */
export type PlainInstruction =
  | 'aaa'
  | 'aad'
  | 'aam'
  | 'aas'
  | 'clc'
  | 'cld'
  | 'cli'
  | 'clts'
  | 'cmc'
  | 'cpuid'
  | 'daa'
  | 'das'
  | 'fninit'
  | 'hlt'
  | 'int3'
  | 'into'
  | 'invd'
  | 'iret'
  | 'lahf'
  | 'leave'
  | 'lock'
  | 'nop'
  | 'popa'
  | 'popf'
  | 'pusha'
  | 'pushf'
  | 'rdmsr'
  | 'rdtsc'
  | 'sahf'
  | 'stc'
  | 'std'
  | 'sti'
  | 'ud2'
  | 'wbinvd'
  | 'wrmsr'
  | 'xlatb';

/** Instructions without operands, of a width that is not the code's. */
export type WidthInstruction =
  | 'cbw'
  | 'cwde'
  | 'cwd'
  | 'cdq'
  | 'iretw'
  | 'iretd'
  | 'popaw'
  | 'popad'
  | 'popfw'
  | 'popfd'
  | 'pushaw'
  | 'pushad'
  | 'pushfw'
  | 'pushfd';

/** String instructions. */
export type StringInstruction =
  | 'movsb'
  | 'movsw'
  | 'movsd'
  | 'cmpsb'
  | 'cmpsw'
  | 'cmpsd'
  | 'stosb'
  | 'stosw'
  | 'stosd'
  | 'lodsb'
  | 'lodsw'
  | 'lodsd'
  | 'scasb'
  | 'scasw'
  | 'scasd'
  | 'insb'
  | 'insw'
  | 'insd'
  | 'outsb'
  | 'outsw'
  | 'outsd';

/** Instructions with an address. */
export type TableInstruction = 'sgdt' | 'sidt' | 'lgdt' | 'lidt' | 'invlpg';

/** Instructions with 16 bits of a register or memory. */
export type SelectorInstruction = 'lldt' | 'ltr' | 'lmsw';

/** Those that compare two elements. */
export type ComparingString = 'cmpsb' | 'cmpsw' | 'cmpsd' | 'scasb' | 'scasw' | 'scasd';

/** Instructions of strings, flags, tables and the system. */
export type SystemInstructions = {
  readonly [Name in PlainInstruction]: () => void;
} & { readonly [Name in WidthInstruction]: () => void } & { readonly [Name in StringInstruction]: () => void } & {
  readonly [Name in TableInstruction]: (address: AddressLike) => void;
} & { readonly [Name in SelectorInstruction]: (from: RegisterOrMemory<16>) => void } & {
  /** As often as CX or ECX says. */
  rep(instruction: Exclude<StringInstruction, ComparingString>): void;
  /** As often as CX or ECX says, while the elements are equal. */
  repe(instruction: ComparingString): void;
  /** As often as CX or ECX says, while the elements differ. */
  repne(instruction: ComparingString): void;
};

export function systemInstructions(out: Emitter): SystemInstructions {
  const repeated = (prefix: 0xf2 | 0xf3) => (instruction: StringInstruction) => {
    const [opcode, width] = Strings[instruction];
    out.emit(instruction, { opcode: [opcode], width, repeat: prefix });
  };
  const plain = Object.entries(Plain).map(([name, opcode]) => [name, () => out.emit(name, { opcode })]);
  const ofWidth = Object.entries<readonly [number, Width]>({ ...OfWidth, ...Strings }).map(
    ([name, [opcode, width]]) => [name, () => out.emit(name, { opcode: [opcode], width })],
  );
  const withMemory = Object.entries(WithMemory).map(([name, [opcode, reg]]) => [
    name,
    (address: AddressLike) => {
      const rm = { kind: 'memory', width: 32, address: addressOf(address) } as const;
      out.emit(name, { opcode: [0x0f, opcode], reg, rm });
    },
  ]);
  const withSelector = Object.entries(WithSelector).map(([name, [opcode, reg]]) => [
    name,
    (rm: RegisterOrMemory<16>) => out.emit(name, { opcode: [0x0f, opcode], reg, rm }),
  ]);
  return {
    ...Object.fromEntries([...plain, ...ofWidth, ...withMemory, ...withSelector]),
    rep: repeated(0xf3),
    repe: repeated(0xf3),
    repne: repeated(0xf2),
  } as SystemInstructions;
}
