import { answersReads, heeds, stretchesOf } from './access-masks.ts';
import type { RegisterDeclaration } from './declaration.ts';

/** Which accesses a register takes: where two stand in one place, one answers reads and the other hears writes. */
export type Side = 'both' | 'reads' | 'writes';

/** As a UART has its interrupt identification where it has its FIFO control: in one place, and never met by one access. */
export function isPair(a: RegisterDeclaration, b: RegisterDeclaration): boolean {
  return isSamePlace(a, b) && ((isReadSide(a) && isWriteSide(b)) || (isWriteSide(a) && isReadSide(b)));
}

export function sideOf(register: RegisterDeclaration, registers: readonly RegisterDeclaration[]): Side {
  if (!registers.some((other) => other !== register && isPair(register, other))) return 'both';
  return isReadSide(register) ? 'reads' : 'writes';
}

/** Writes change nothing in it. */
function isReadSide(register: RegisterDeclaration): boolean {
  return stretchesOf(register).every(({ access }) => !heeds(access));
}

/** Reads show nothing of it. */
function isWriteSide(register: RegisterDeclaration): boolean {
  const accesses = stretchesOf(register).map(({ access }) => access);
  return !answersReads(accesses);
}

export function isSamePlace(a: RegisterDeclaration, b: RegisterDeclaration): boolean {
  const keys = ['region', 'offset', 'width', 'count', 'stride'] as const;
  const places = ['indexMember', 'index', 'low', 'high'] as const;
  return keys.every((key) => a[key] === b[key]) && places.every((key) => a.indexedBy?.[key] === b.indexedBy?.[key]);
}
