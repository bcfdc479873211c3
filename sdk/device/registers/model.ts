import { lowMask } from '../../base/bits.ts';

/**
 * What hardware does with bits that the guest reads or writes. Some behave alike and differ in what they tell the reader.
 *
 * - `read-write`: holds what was written last.
 * - `read-only`: writes change nothing; the device changes it.
 * - `write-only`: holds what was written last, for the device; reads answer zero (a whole register: what its region answers
 *   where nothing is).
 * - `write-one-to-clear`: a written one clears the bit, a written zero leaves it.
 * - `write-one-to-set`: a written one sets the bit, a written zero leaves it. A reset clears it, or the device. So are locks.
 * - `read-to-clear`: reading answers the bit and clears it; writes change nothing.
 * - `write-once`: takes the first write after a reset, then is read-only.
 * - `constant`: always its reset value, or what the device's options make it (`atReset: 'set-by-device'`).
 * - `reserved`: always its reset value; writing anything else is a mistake of the guest.
 * - `undocumented`: hardware stores it and the datasheet is silent; so does the model, and says when it is changed.
 * - `unimplemented`: the datasheet describes it, the model only stores it, and says once when software changes it.
 * - `trigger`: what is written happens and is not kept. A whole register stands on a method, which takes the written value. Reads
 *   answer what the declaration says (`reads`), or what its bank answers where nothing is. Bits read zero, and their hook takes them.
 */
export type RegisterAccess =
  | 'read-write'
  | 'read-only'
  | 'write-only'
  | 'write-one-to-clear'
  | 'write-one-to-set'
  | 'read-to-clear'
  | 'write-once'
  | 'constant'
  | 'reserved'
  | 'undocumented'
  | 'unimplemented'
  | 'trigger';

/** Bits. Up to 32 a register is a number of the device, with 64 a bigint. */
export type RegisterWidth = 8 | 16 | 32 | 64;

/**
 * What a reset does. It gives the register its reset value, leaves it alone (battery-backed, sticky), or the device's own
 * `reset` sets it from its options.
 */
export type AtReset = 'reset-value' | 'kept' | 'set-by-device';

/**
 * What an access of another width than the register does.
 *
 * - `by-byte`: it reads or writes the bytes that it names, of every register that it covers.
 * - `zero-extended`: only the register's own offset answers. The upper bits of a narrow write are zero, and a wide access
 *   reaches no further register.
 */
export type NarrowAccess = 'by-byte' | 'zero-extended';

/** Bits `low` to `high` of a register, both included. */
export interface FieldDeclaration {
  /** Several ranges of reserved bits may share a name; all other names are unique in their register. */
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly access: RegisterAccess;
  /** Names of what may stand in the field. */
  readonly values?: Readonly<Record<string, number>> | undefined;
  readonly description?: string | undefined;
  /** The method called when the guest reads it. */
  readonly readHook?: string | undefined;
  /** The method called when the guest writes it. */
  readonly writeHook?: string | undefined;
}

/**
 * - `stored`: held by a field, and state.
 * - `derived`: worked out by a getter at each access, and never state.
 * - `trigger`: a method takes what is written.
 */
export type RegisterKind = 'stored' | 'derived' | 'trigger';

/** Where a register is found that has no offset of its own: the index register chooses it, the data port shows it. */
export interface IndexedPlace {
  /** The class's field that holds the index: a register of its own. */
  readonly indexMember: string;
  /** What must stand in it, for the first of an array. */
  readonly index: number;
  /** Which of its bits choose, both included. */
  readonly low: number;
  readonly high: number;
}

/**
 * Where registers live. Regions of ports and of memory are banks. Others are no memory regions, and something else carries their
 * accesses: PCI configuration space, a serial bus.
 */
export interface RegisterBank {
  readonly kind: 'ports' | 'memory' | 'carried';
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly endianness: 'little' | 'big';
  /** 'silent': an access to bytes without a register is not a guest error. */
  readonly missing: 'guest-error' | 'silent';
  /** Its registers repeat where an access runs over its end. */
  readonly mirrored: boolean;
  /** 'dropped': an access reaches the register in which it begins, and what runs over its end is lost. */
  readonly overrun: 'next-register' | 'dropped';
  /** What a guest may do. @internal */
  readonly accepts: BankSizes;
  /** The accesses that reach its registers. @internal */
  readonly implements: BankSizes;
}

/** What a carrier does with the bytes of an access that no register has. Without it they read 0, and are reported as the bank says. */
export interface AbsentBytes {
  read(offset: number, size: number): number;
  write(offset: number, value: number, size: number): void;
}

/** Widths of accesses, bytes. */
interface BankSizes {
  readonly min: number;
  readonly max: number;
  readonly unaligned: boolean;
}

/** Everything a class says about one register, or one array of registers. */
export interface RegisterDeclaration {
  /** As it is printed; the name of the class's field unless the declaration gives another. */
  readonly name: string;
  /** What was written in the source: by it a register is told from its partner in the same place. */
  readonly spec: object;
  readonly kind: RegisterKind;
  /**
   * The field of the device that holds it: a number, a bigint (64 bits), or for arrays a typed array of that width. Of a derived
   * register the getter, of a trigger the method.
   */
  readonly member: string;
  /** Of a derived register: whether its accessor takes writes too. */
  readonly hasSetter: boolean;
  /** Where it lives: a region of ports or memory, or a bank that something else carries. */
  readonly bank: RegisterBank;
  /** From the start of its bank; of an indexed register the offset of its data port. */
  readonly offset: number;
  readonly width: RegisterWidth;
  /** A bigint exactly if the register has 64 bits; 0 for a trigger. */
  readonly reset: number | bigint;
  readonly atReset: AtReset;
  /** The version of the device that brought it: snapshots of older ones do not have it. */
  readonly since: number;
  readonly narrow: NarrowAccess;
  /** Of the whole register where it has no fields; with fields, they say. */
  readonly access: RegisterAccess;
  readonly description?: string | undefined;
  /** How many registers; undefined for a single one. */
  readonly count?: number | undefined;
  /** From one register of the array to the next: bytes, or steps of the index. Undefined for a single one. */
  readonly stride?: number | undefined;
  readonly indexedBy?: IndexedPlace | undefined;
  /** By bit, lowest first, gapless; empty for a register without fields. */
  readonly fields: readonly FieldDeclaration[];
  readonly readHook?: string | undefined;
  /** Of a trigger: its method. */
  readonly writeHook?: string | undefined;
  /** What a trigger answers reads with, if it answers them. */
  readonly reads: number | bigint | undefined;
  /** Has `write-once` bits: which of them are locked is state too, in `registerLocks(device)[member]`. */
  readonly hasLocks: boolean;
}

/** Fields of a register, or the whole register as one where it has none. */
export function bitRangesOf({
  fields,
  width,
  access,
  name,
}: RegisterDeclaration): readonly Pick<FieldDeclaration, 'name' | 'low' | 'high' | 'access'>[] {
  return fields.length > 0 ? fields : [{ name, low: 0, high: width - 1, access }];
}

/** How its bits behave; what a trigger answers reads with is constant. */
export function accessesOf(register: RegisterDeclaration): RegisterAccess[] {
  const accesses = bitRangesOf(register).map(({ access }) => access);
  return register.reads === undefined ? accesses : [...accesses, 'constant'];
}

const withWriteEffect: readonly RegisterAccess[] = [
  'read-write',
  'write-only',
  'write-one-to-clear',
  'write-one-to-set',
  'write-once',
  'undocumented',
  'unimplemented',
  'trigger',
];

export const hasWriteEffect = (access: RegisterAccess): boolean => withWriteEffect.includes(access);

/** Does a write mean anything to bits of these kinds? Where it does not, the register has no write at all. */
export function takesWrites(accesses: readonly RegisterAccess[]): boolean {
  return (
    accesses.some((access) => withWriteEffect.includes(access)) || accesses.every((access) => access === 'reserved')
  );
}

const shown: readonly RegisterAccess[] = [
  'read-write',
  'read-only',
  'write-one-to-clear',
  'write-one-to-set',
  'read-to-clear',
  'write-once',
  'constant',
];

/**
 * Can the guest read a register of these kinds? Bits without a meaning, or with none in the model, follow the others: beside
 * write-only ones and triggers they cannot be read either.
 */
export function answersReads(accesses: readonly RegisterAccess[]): boolean {
  return (
    !accesses.some((access) => access === 'write-only' || access === 'trigger') ||
    accesses.some((access) => shown.includes(access))
  );
}

/** Which accesses a register takes: where two stand in one place, one answers reads and the other takes writes. */
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
  return bitRangesOf(register).every(({ access }) => !hasWriteEffect(access));
}

/** Reads show nothing of it. */
function isWriteSide(register: RegisterDeclaration): boolean {
  return !answersReads(accessesOf(register));
}

export function isSamePlace(a: RegisterDeclaration, b: RegisterDeclaration): boolean {
  const keys = ['bank', 'offset', 'width', 'count', 'stride'] as const;
  const places = ['indexMember', 'index', 'low', 'high'] as const;
  return keys.every((key) => a[key] === b[key]) && places.every((key) => a.indexedBy?.[key] === b.indexedBy?.[key]);
}

/** Which register a data port shows while the index register holds this. */
export function chosenIndex({ low, high }: IndexedPlace, held: number): number {
  return ((held >>> low) & lowMask(high - low + 1)) >>> 0;
}

/** What the index register must hold for a data port to show register `index`; its other bits stay as they are in `held`. */
export function choosingValue({ low, high }: IndexedPlace, held: number, index: number): number {
  const mask = lowMask(high - low + 1) << low;
  return ((held & ~mask) | ((index << low) & mask)) >>> 0;
}
