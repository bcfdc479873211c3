import type { Fail } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import { isPair, isSamePlace, type RegisterDeclaration } from './model.ts';
import { describeRegister } from './names.ts';

/** Bytes from the first to the last register of an array, gaps included. An indexed one has those of its data port. */
export function extent({ width, count = 1, stride = 0, indexedBy }: RegisterDeclaration): number {
  return width / 8 + (indexedBy === undefined ? (count - 1) * stride : 0);
}

/** Refuses two registers in one place, and one name for two. */
export function checkTogether(registers: readonly RegisterDeclaration[], fail: Fail): void {
  registers.forEach((b, index) => {
    for (const a of registers.slice(0, index)) {
      if (a.member === b.member) {
        throw fail(
          'register-name-taken',
          `field '${a.member}' holds two registers: ${describeRegister(a)} and ${describeRegister(b)}.`,
        );
      }
      if (a.name === b.name) {
        throw fail(
          'register-name-taken',
          `${describeRegister(b)} has the same name as ${describeRegister(a)}. Give one of them another.`,
        );
      }
      if (a.bank !== b.bank || !shareBytes(a, b) || isPair(a, b)) continue;
      const both = `${describeRegister(a)} and ${describeRegister(b)}`;
      if (isSamePlace(a, b)) {
        throw fail(
          'register-overlap',
          `${both} stand in one place. Move one of them; or, where the guest reads the one and writes the other, declare them ` +
            "'read-only' and 'write-only'.",
        );
      }
      if (!samePort(a, b)) throw fail('register-overlap', `${both} overlap. Move one of them.`);
      if (a.width !== b.width || a.indexedBy?.indexMember !== b.indexedBy?.indexMember) {
        throw fail(
          'data-port-mismatch',
          `${both} share a data port, but not their width and index register. ` +
            'Declare both from one indexedRegisters(...) with one width.',
        );
      }
      if (shareIndexes(a, b)) throw fail('register-overlap', `${both} overlap. Move one of them.`);
    }
  });
}

/** Refuses registers behind a data port that no value of their index register chooses. */
export function checkChoices(registers: readonly RegisterDeclaration[], fail: Fail): void {
  for (const register of registers) {
    const { indexedBy, count = 1, stride = 1 } = register;
    if (indexedBy === undefined) continue;
    const index = registers.find(({ member }) => member === indexedBy.indexMember) as RegisterDeclaration;
    const bits = Math.min(indexedBy.high, index.width - 1) - indexedBy.low + 1;
    const last = indexedBy.index + (count - 1) * stride;
    if (last < 2 ** bits) continue;
    throw fail(
      'register-index-out-of-reach',
      `${describeRegister(register)} is out of reach: its last index is ${hex(last)}, and the ${bits} bits of '${index.name}' ` +
        `that choose go to ${hex(2 ** bits - 1)}. Give them more bits, or move the register.`,
    );
  }
}

const samePort = (a: RegisterDeclaration, b: RegisterDeclaration): boolean =>
  a.indexedBy !== undefined && b.indexedBy !== undefined && a.offset === b.offset;

function shareBytes(a: RegisterDeclaration, b: RegisterDeclaration): boolean {
  if (a.offset >= b.offset + extent(b) || b.offset >= a.offset + extent(a)) return false;
  const [few, many] = (a.count ?? 1) <= (b.count ?? 1) ? [a, b] : [b, a];
  if (few.indexedBy !== undefined || many.indexedBy !== undefined) return true;
  return places(few).some((place) => {
    // The nearest registers of the other array, below and above the place.
    const near = (place - many.offset) / (many.stride ?? 1);
    return [Math.floor(near), Math.ceil(near)].some((index) => {
      const other = many.offset + Math.min(Math.max(index, 0), (many.count ?? 1) - 1) * (many.stride ?? 0);
      return place < other + many.width / 8 && other < place + few.width / 8;
    });
  });
}

function places({ offset, count = 1, stride = 0 }: RegisterDeclaration): number[] {
  return Array.from({ length: count }, (_, index) => offset + index * stride);
}

function shareIndexes(a: RegisterDeclaration, b: RegisterDeclaration): boolean {
  const indexes = ({ indexedBy, count = 1, stride = 1 }: RegisterDeclaration) =>
    Array.from({ length: count }, (_, index) => (indexedBy?.index ?? 0) + index * stride);
  const taken = new Set(indexes(a));
  return indexes(b).some((index) => taken.has(index));
}
