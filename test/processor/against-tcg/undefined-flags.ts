/** Bits of EFLAGS. */
export const Flag = { cf: 1, pf: 4, af: 0x10, zf: 0x40, sf: 0x80, df: 0x400, of: 0x800 } as const;
const { cf, pf, af, zf, sf, of } = Flag;

/**
 * Flags that an instruction leaves undefined: each processor may do what it likes, so they are not compared.
 * @see Intel SDM, volume 2, "Flags Affected" of each instruction
 */
export const Undefined = {
  'AND, OR, XOR, TEST': af,
  'SHL, SHR, SAR, SHLD, SHRD by 1': af,
  'SHL, SHR, SAR, SHLD, SHRD by more than 1': af | of,
  'SHL, SHR by the width or more': af | of | cf,
  'ROL, ROR, RCL, RCR by more than 1': of,
  'MUL, IMUL': sf | zf | af | pf,
  'DIV, IDIV': cf | pf | af | zf | sf | of,
  'AAA, AAS': of | sf | zf | pf,
  'AAM, AAD': of | af | cf,
  'DAA, DAS': of,
  'BSF, BSR': cf | of | sf | af | pf,
  'BT, BTS, BTR, BTC': of | sf | af | pf,
} as const satisfies Readonly<Record<string, number>>;
export type UndefinedFlags = keyof typeof Undefined;
