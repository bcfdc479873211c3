import { maskOf } from '../../base/bits.ts';
import { hex } from '../../base/text.ts';
import { bitRangesOf, type FieldDeclaration, type RegisterBank, type RegisterDeclaration } from './model.ts';

/** A register, and which one of an array (0 otherwise). */
export interface RegisterPlace {
  readonly register: RegisterDeclaration;
  readonly index: number;
}

/** Which register has this byte of the bank (a region, mostly). Indexed ones are found by what stands in their index register too. */
export function registerAt(
  registers: readonly RegisterDeclaration[],
  bank: object,
  offset: number,
  chosen?: number,
): RegisterPlace | undefined {
  for (const register of registers) {
    if (register.bank !== bank) continue;
    const index = register.indexedBy === undefined ? byOffset(register, offset) : byIndex(register, offset, chosen);
    if (index >= 0) return { register, index };
  }
  return undefined;
}

/** Whether it is a register of this region, or other bank. */
export const livesIn = ({ bank }: RegisterDeclaration, place: object): boolean => bank === place;

/** `status`, or of an array `slots[3]`: what traces and messages say. */
export function registerLabel({ register, index }: RegisterPlace): string {
  return register.count === undefined ? register.name : `${register.name}[${index}]`;
}

/** What a value of a register says, field by field: `computing=1 rate=Fast`. Bits that mean nothing only where they are set. */
export function describeRegisterValue(register: RegisterDeclaration, value: number | bigint): string {
  if (register.fields.length === 0) return hex(value);
  return register.fields
    .map((field) => ({ field, content: (BigInt(value) & maskOf(field)) >> BigInt(field.low) }))
    .filter(({ field, content }) => content !== 0n || !isFiller(field))
    .map(({ field, content }) => `${field.name}=${valueName(field, content) ?? short(content)}`)
    .join(' ');
}

/** The name of what stands in a field, if it has one. */
export function valueName(
  { values = {} }: Pick<FieldDeclaration, 'values'>,
  content: number | bigint,
): string | undefined {
  return Object.keys(values).find((name) => BigInt(values[name] as number) === BigInt(content));
}

/** An access that no handler takes, in words; if a register stands there after all, it does not have that direction. */
export function describeMissing(place: RegisterPlace | undefined, where: string, isWrite: boolean): string {
  const access = isWrite ? 'write to' : 'read of';
  if (place === undefined) return `${access} ${where}: no register takes it`;
  const kinds = new Set(bitRangesOf(place.register).map((range) => range.access));
  const kind = kinds.size === 1 ? [...kinds][0] : isWrite ? 'read-only' : 'write-only';
  return `${access} the ${kind} register '${registerLabel(place)}'`;
}

/** `register 'status' at 0x20 of region 'edu-mmio'`: how refusals begin. */
export function describeRegister({ name, offset, bank, indexedBy }: RegisterDeclaration): string {
  const place = indexedBy === undefined ? hex(offset) : `index ${hex(indexedBy.index)}`;
  return `register '${name}' at ${place} of ${describeBank(bank)}`;
}

/** Bytes from the first to the last register of an array, gaps included. An indexed one has those of its data port. */
export function extent({
  width,
  count = 1,
  stride = 0,
  indexedBy,
}: Pick<RegisterDeclaration, 'width' | 'count' | 'stride' | 'indexedBy'>): number {
  return width / 8 + (indexedBy === undefined ? (count - 1) * stride : 0);
}

/** `region 'edu-mmio'`, `bank 'PCI configuration'`. */
export function describeBank({ kind, name }: RegisterBank): string {
  return `${kind === 'carried' ? 'bank' : 'region'} '${name}'`;
}

/** `bit 3`, `bits 4 to 6`. */
export function describeBits({ low, high }: { readonly low: number; readonly high: number }): string {
  return low === high ? `bit ${low}` : `bits ${low} to ${high}`;
}

const short = (value: bigint): string => (value < 10n ? `${value}` : hex(value));
export const isFiller = ({ access }: FieldDeclaration): boolean => access === 'reserved' || access === 'undocumented';

function byOffset({ offset, width, count = 1, stride = 0, narrow, bank }: RegisterDeclaration, wanted: number): number {
  const reached = narrow === 'zero-extended' ? Math.min(bank.accepts.min, bank.implements.min) : width / 8;
  const index = count === 1 ? 0 : Math.min(Math.floor((wanted - offset) / stride), count - 1);
  const within = wanted - offset - index * stride;
  return index >= 0 && within >= 0 && within < reached ? index : -1;
}

function byIndex(register: RegisterDeclaration, offset: number, chosen: number | undefined): number {
  const { indexedBy, count = 1, stride = 1 } = register;
  if (indexedBy === undefined || chosen === undefined) return -1;
  if (offset < register.offset || offset >= register.offset + register.width / 8) return -1;
  const index = (chosen - indexedBy.index) / stride;
  return Number.isInteger(index) && index >= 0 && index < count ? index : -1;
}
