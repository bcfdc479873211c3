import type { Forms } from './forms.ts';

const binary = ['r8 rm8|i8', 'r16 rm16|i16', 'r32 rm32|i32', 'm8 r8|i8', 'm16 r16|i16', 'm32 r32|i32'];
const shift = ['rm8 u5|cl', 'rm16 u5|cl', 'rm32 u5|cl'];
const unary = ['rm8', 'rm16', 'rm32'];
const ofBit = ['rm16 r16|u4', 'rm32 r32|u5'];
const double = ['rm16 r16 u5|cl', 'rm32 r32 u5|cl'];
const search = ['r16 rm16', 'r32 rm32'];
const exchange = ['rm8 r8', 'rm16 r16', 'rm32 r32'];
const rows = (names: string, forms: readonly string[]) =>
  Object.fromEntries(names.split(' ').map((name) => [name, forms]));

export const conditions = 'o no b c nae ae nb nc e z ne nz be na a nbe s ns p pe np po l nge ge nl le ng g nle'.split(
  ' ',
);
export const strings = ['movs', 'cmps', 'stos', 'lods', 'scas', 'ins', 'outs'].flatMap((name) =>
  ['b', 'w', 'd'].map((letter) => name + letter),
);

/** Each form of each instruction that is no jump to a label: see `kinds` of forms.ts for the operands. */
export const forms: Forms = {
  mov: [...binary, 's rm16', 'r16|r32|m16 s|cs', 'cr r32', 'r32 cr'],
  ...rows('movzx movsx', ['r16 rm8', 'r32 rm8|rm16']),
  lea: ['r16 ea', 'r32 ea'],
  xchg: exchange,
  push: ['rm16', 'rm32', 's|cs', 'i16'],
  pop: ['rm16', 'rm32', 's'],
  bswap: ['r32'],
  in: ['acc port|dx'],
  out: ['port|dx acc'],
  ...rows('add or adc sbb and sub xor cmp', binary),
  ...rows('rol ror rcl rcr shl shr sar', shift),
  ...rows('not neg mul div idiv inc dec', unary),
  ...rows('bt bts btr btc', ofBit),
  test: ['rm8 r8|i8', 'rm16 r16|i16', 'rm32 r32|i32'],
  imul: [...unary, ...search, 'r16 rm16 i16', 'r32 rm32 i32'],
  ...rows('shld shrd', double),
  ...rows('bsf bsr', search),
  ...rows('xadd cmpxchg', exchange),
  ...Object.fromEntries(
    conditions.flatMap((name) => [
      [`set${name}`, ['rm8']],
      [`cmov${name}`, search],
    ]),
  ),
  // In code of 16 bits, GNU as takes `jmp dword ptr` as a far jump.
  ...rows('jmp call', ['rm16', 'r32']),
  ...rows('ret retf', ['', 'i16']),
  int: ['port'],
  enter: ['i16 u5'],
  ...rows('sgdt sidt lgdt lidt invlpg', ['p']),
  ...rows('lldt ltr lmsw', ['rm16']),
  ...rows('aaa aad aam aas clc cld cli clts cmc cpuid daa das fninit hlt int3 into invd lahf leave lock nop', ['']),
  ...rows('rdmsr rdtsc sahf stc std sti ud2 wbinvd wrmsr xlatb cbw cwde cwd cdq', ['']),
  ...rows('iret popa popf pusha pushf iretw iretd popaw popad popfw popfd pushaw pushad pushfw pushfd', ['']),
  ...rows(strings.join(' '), ['']),
};
