import { maskOf, wideLowMask } from '../../base/bits.ts';
import type { FieldDeclaration, RegisterAccess, RegisterDeclaration } from './declaration.ts';

/** Which bits of a register behave how, as bit masks. */
export interface AccessMasks {
  readonly all: bigint;
  /** Take what is written: read-write, write-only, undocumented, unimplemented. */
  readonly taken: bigint;
  readonly oneToClear: bigint;
  readonly readToClear: bigint;
  readonly once: bigint;
  readonly writeOnly: bigint;
  /** Always the reset value: constant (unless the device sets it from its options), reserved. */
  readonly fixed: bigint;
  readonly reserved: bigint;
  /** Changing them is worth a word: undocumented, unimplemented. */
  readonly remarkable: bigint;
}

/** Fields of a register, or the whole register as one where it has none. */
export function stretchesOf({
  fields,
  width,
  access,
  name,
}: RegisterDeclaration): readonly Pick<FieldDeclaration, 'name' | 'low' | 'high' | 'access'>[] {
  return fields.length > 0 ? fields : [{ name, low: 0, high: width - 1, access }];
}

export function masksOf(register: RegisterDeclaration): AccessMasks {
  const of = (...accesses: readonly RegisterAccess[]): bigint =>
    stretchesOf(register)
      .filter(({ access }) => accesses.includes(access))
      .reduce((mask, stretch) => mask | maskOf(stretch), 0n);
  return {
    all: wideLowMask(register.width),
    taken: of('read-write', 'write-only', 'undocumented', 'unimplemented'),
    oneToClear: of('write-one-to-clear'),
    readToClear: of('read-to-clear'),
    once: of('write-once'),
    writeOnly: of('write-only'),
    fixed: register.atReset === 'set-by-device' ? of('reserved') : of('constant', 'reserved'),
    reserved: of('reserved'),
    remarkable: of('undocumented', 'unimplemented'),
  };
}

const heeded: readonly RegisterAccess[] = [
  'read-write',
  'write-only',
  'write-one-to-clear',
  'write-once',
  'undocumented',
  'unimplemented',
];

export const heeds = (access: RegisterAccess): boolean => heeded.includes(access);

/** Does a write mean anything to bits of these kinds? Where it does not, the register has no write at all. */
export function hearsWrites(accesses: readonly RegisterAccess[]): boolean {
  return accesses.some((access) => heeded.includes(access)) || accesses.every((access) => access === 'reserved');
}

const shown: readonly RegisterAccess[] = [
  'read-write',
  'read-only',
  'write-one-to-clear',
  'read-to-clear',
  'write-once',
  'constant',
];

/**
 * Can the guest read a register of these kinds? Bits without a meaning, or with none in the model, follow the others: beside
 * write-only ones they cannot be read either.
 */
export function answersReads(accesses: readonly RegisterAccess[]): boolean {
  return !accesses.includes('write-only') || accesses.some((access) => shown.includes(access));
}
