import type { Memory, Width } from '../../sdk/assembler.ts';
import * as x86 from '../../sdk/assembler.ts';
import type { Random } from '../../sdk/testing/random.ts';

/** An operand of the assembler. */
export type Operand = x86.GeneralRegister | x86.SegmentRegister | x86.ControlRegister | Memory | x86.Address | number;

/** One instruction: the method and its operands, and the line of GNU as for it. */
export interface Instruction {
  readonly name: string;
  readonly operands: readonly Operand[];
  readonly line: string;
}

const { al, cl, dl, bl, ah, ch, dh, bh, ax, cx, dx, bx, sp, bp, si, di } = x86;
const { eax, ecx, edx, ebx, esp, ebp, esi, edi, es, cs, ss, ds, fs, gs, cr0, cr2, cr3, cr4 } = x86;
const registers = {
  8: [al, cl, dl, bl, ah, ch, dh, bh],
  16: [ax, cx, dx, bx, sp, bp, si, di],
  32: [eax, ecx, edx, ebx, esp, ebp, esi, edi],
};
const pointers = { 8: 'byte ptr ', 16: 'word ptr ', 32: 'dword ptr ' } as const;

/**
 * Kinds of operands, by the letters of the table: r register, m memory, i immediate, s segment register, and their widths in bits.
 * `rm8|i8` is a choice. `p` is the address of `lgdt`, without a width, and `ea` that of `lea`.
 */
const kinds: Readonly<Record<string, (random: Random) => Operand>> = {
  p: (random) => addressOf(random),
  ea(random) {
    const { segment: _withoutEffect, ...address } = addressOf(random);
    return address as x86.Address;
  },
  s: (random) => random.pick([es, ss, ds, fs, gs]),
  cs: () => cs,
  cr: (random) => random.pick([cr0, cr2, cr3, cr4]),
  cl: () => cl,
  dx: () => dx,
  acc: (random) => random.pick([al, ax, eax]),
  port: (random) => random.byte(),
  u5: (random) => random.below(32),
  u4: (random) => random.below(16),
};
for (const width of [8, 16, 32] as const) {
  const register = (random: Random) => random.pick(registers[width] as readonly x86.GeneralRegister[]);
  const memory = (random: Random): Memory => ({ kind: 'memory', width, address: addressOf(random) });
  Object.assign(kinds, {
    [`r${width}`]: register,
    [`m${width}`]: memory,
    [`rm${width}`]: (random: Random) => (random.oneIn(2) ? register(random) : memory(random)),
    [`i${width}`]: (random: Random) => numberOf(random, width),
  });
}

/** Numbers at the edges of short forms, and any. */
function numberOf(random: Random, width: Width): number {
  const any = random.bits() % 2 ** width;
  const edges = [0, 1, 0x7f, 0x80, 0xff, 2 ** width - 1, 2 ** width - 0x80, 2 ** width - 0x81, 2 ** (width - 1)];
  const unsigned = random.oneIn(2) ? any : random.pick(edges) % 2 ** width;
  return random.oneIn(3) && unsigned >= 2 ** (width - 1) ? unsigned - 2 ** width : unsigned;
}

function addressOf(random: Random): x86.Address {
  const segment = random.oneIn(4) ? { segment: random.pick([es, cs, fs, gs]) } : {};
  const bits = random.pick([16, 32] as const);
  const offset = random.oneIn(3) ? {} : { offset: numberOf(random, bits) };
  if (random.oneIn(5)) return { offset: numberOf(random, bits), bits, ...segment };
  const parts =
    bits === 16
      ? random.pick([
          { base: random.pick([bx, bp]), index: random.pick([si, di]) },
          { base: random.pick([bx, bp]) },
          { base: random.pick([si, di]) },
        ])
      : parts32(random);
  return { ...parts, ...offset, ...segment } as x86.Address;
}

function parts32(random: Random): object {
  const index = random.pick([eax, ecx, edx, ebx, ebp, esi, edi]);
  const scaled = { index, scale: random.pick([1, 2, 4, 8]) };
  const base = random.pick(registers[32]);
  return random.pick<object>([{ base }, { base, ...scaled }, { base, index }, scaled]);
}

/** `[ebx+ecx*4+0x8]`. GNU as takes the width of an address from its registers; an offset alone has a prefix. */
function addressText({ base, index, scale, offset = 0, segment }: x86.Address): string {
  const scaled = index !== undefined && index.width === 32 ? `${index.name}*${scale ?? 1}` : index?.name;
  const parts = [base?.name, scaled, `0x${(Number(offset) >>> 0).toString(16)}`].filter((part) => part !== undefined);
  const where = segment?.name ?? (base === undefined && index === undefined ? 'ds' : undefined);
  return `${where === undefined ? '' : `${where}:`}[${parts.join('+')}]`;
}

function textOf(operand: Operand): string {
  if (typeof operand === 'number') return String(operand);
  if (!('kind' in operand)) return addressText(operand);
  return operand.kind === 'memory' ? pointers[operand.width] + addressText(operand.address) : operand.name;
}

const bitsOf = (operand: Operand): 16 | 32 | undefined => {
  if (typeof operand === 'number') return undefined;
  const address = 'kind' in operand ? (operand.kind === 'memory' ? operand.address : undefined) : operand;
  return address?.base === undefined && address?.index === undefined ? address?.bits : undefined;
};

/** Rows of forms: `mov: ['r8 rm8', ...]`. */
export type Forms = Readonly<Record<string, readonly string[]>>;

/** A random instruction of a form. */
export function instructionOf(random: Random, name: string, form: string, codeBits: 16 | 32): Instruction {
  const operands =
    form === '' ? [] : form.split(' ').map((kind) => kinds[random.pick(kind.split('|'))]?.(random) as Operand);
  const absolute = operands.map(bitsOf).find((bits) => bits !== undefined);
  const line = `${name} ${operands.map(textOf).join(', ')}`.trim();
  return { name, operands, line: (absolute ?? codeBits) === codeBits ? line : `addr${absolute} ${line}` };
}
