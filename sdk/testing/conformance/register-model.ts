import { maskOf, wideLowMask } from '../../base/bits.ts';
import {
  chosenIndex,
  type Device,
  type RegisterAccess,
  type RegisterDeclaration,
  type Side,
} from '../../device/index.ts';
import { valueAt } from './device-fields.ts';
import type { Layout } from './layout.ts';
import type { ScriptStep } from './script.ts';

/** One register, one of an array included, and where its bytes are. */
export interface Cell {
  readonly name: string;
  /** The device inside that has it; empty for the device itself. */
  readonly part: string;
  readonly register: RegisterDeclaration;
  readonly element: number;
  readonly space: 'ports' | 'memory';
  readonly address: number;
  readonly bytes: number;
  /** Of two registers in one place an access reaches one. */
  readonly side: Side;
}

type Access = ScriptStep & { readonly kind: 'read' | 'write' };

/** Bits that hold what is written, as far as the guest can tell. */
const Storing: readonly RegisterAccess[] = ['read-write', 'write-only', 'undocumented', 'unimplemented'];
/** Bits that writing never changes. */
export const Unwritable: readonly RegisterAccess[] = ['read-only', 'read-to-clear', 'constant', 'reserved'];
const MostCells = 256;

/** The effects of an access on registers by their declaration alone, without the implementation. */
export class RegisterModel {
  readonly cells: readonly Cell[];

  constructor(private readonly layout: Layout) {
    this.cells = layout.parts
      .flatMap((part) => part.metadata.registers.flatMap((register) => cellsOf(part, register)))
      .slice(0, MostCells);
  }

  /** What every register holds now, seen from inside the device. */
  held(device: Device): readonly bigint[] {
    return this.cells.map(({ part, register, element }) => {
      if (register.kind === 'trigger') return BigInt(register.reads ?? 0);
      const value = fieldOf(device, part, register.member);
      const one = ArrayBuffer.isView(value) ? (value as unknown as ArrayLike<number | bigint>)[element] : value;
      const held = BigInt.asUintN(register.width, BigInt(one as number | bigint));
      return register.kind === 'stored' ? held : this.shown(register, held);
    });
  }

  /** What a getter says is cut to the bits that mean something. */
  private shown(register: RegisterDeclaration, value: bigint): bigint {
    const always = ({ access }: ModelField): boolean => access === 'constant' || access === 'reserved';
    const fixed = this.fieldsOf(register).reduce((mask, field) => (always(field) ? mask | field.bits : mask), 0n);
    return (value & ~fixed) | (BigInt(register.reset) & fixed);
  }

  /** The registers that an access reaches, with the bits of each; undefined if the access changes that itself. */
  reached(access: Access, held: readonly bigint[]): ReadonlyMap<number, Reach> | undefined {
    if (this.runsOver(access)) return undefined;
    const reached = new Map<number, Reach>();
    const indexes = new Set<string>();
    let throughIndex = false;
    const otherSide = access.kind === 'write' ? 'reads' : 'writes';
    this.cells.forEach((cell, number) => {
      const reach = overlap(cell, access);
      if (reach === undefined || cell.side === otherSide) return;
      const { part, register } = cell;
      const { indexedBy, member } = register;
      if (indexedBy !== undefined) {
        throughIndex = true;
        const chosen = chosenIndex(indexedBy, Number(this.valueOf(part, indexedBy.indexMember, held)));
        const step = cell.element * (register.stride ?? 1);
        if (chosen !== indexedBy.index + step) return;
      }
      indexes.add(`${part}.${member}`);
      reached.set(number, reach);
    });
    // Bytes that are no register's belong to a handler, which may do anything.
    let covered = 0n;
    for (const { mask, shift } of reached.values())
      covered |= shift >= 0 ? mask << BigInt(shift) : mask >> BigInt(-shift);
    if (covered !== wideLowMask(8 * access.size)) return undefined;
    if (reached.size > 1 && this.handled(access)) return undefined;
    const moves = this.cells.some(
      ({ part, register: { indexedBy } }) => indexedBy && indexes.has(`${part}.${indexedBy.indexMember}`),
    );
    return throughIndex && moves ? undefined : reached;
  }

  /** Whether an access runs over the end of its region. Registers of another region there do not answer. */
  private runsOver({ space, address, size }: Access): boolean {
    return this.layout.regions.some((one) => {
      const end = one.address + one.region.size;
      return one.space === space && address >= one.address && address < end && address + size > end;
    });
  }

  /** Whether the author's own handlers may take an access of several registers. */
  private handled({ space, address, size }: Access): boolean {
    return this.layout.targets.some(
      (target) =>
        target.register === undefined &&
        target.space === space &&
        target.address < address + size &&
        address < target.address + target.length,
    );
  }

  /**
   * What each field may hold after a write of these bits; a field that may hold anything is left out. A hook may keep the old
   * contents, or clear them. Nothing is known with a read hook, or if the access called the hook of a neighbour. A derived register
   * holds nothing, and neither does a trigger.
   */
  afterWrite(cell: Cell, before: bigint, written: bigint, mask: bigint, besideHook: boolean): readonly Expected[] {
    const { register } = cell;
    if (register.kind !== 'stored') return [];
    const hooked = hasHook(register, true);
    const reset = BigInt(register.reset);
    const expected: Expected[] = [];
    for (const { name, access, bits, isComputed } of this.fieldsOf(register)) {
      const reached = bits & mask;
      const stored = (before & bits & ~reached) | (written & reached);
      const allow = (...values: readonly bigint[]) => expected.push({ name, access, bits, values, mayRise: false });
      if (access === 'constant' || access === 'reserved') allow(before & bits);
      else if (besideHook || access === 'trigger' || access === 'write-once' || (hooked && isComputed)) continue;
      else if (Storing.includes(access)) {
        // No guest reads a write-only field back, so its hook may store anything.
        if (!hooked) allow(stored);
        else if (access !== 'write-only') allow(stored, before & bits, reset & bits);
      } else if (access === 'write-one-to-clear') {
        // A hook may set a bit again whose cause persists.
        expected.push({ name, access, bits, values: [before & bits & ~(written & reached)], mayRise: hooked });
      } else if (access === 'write-one-to-set') {
        const set = (before & bits) | (written & reached);
        // A hook may refuse it, or clear what is done at once.
        if (hooked) allow(set, before & bits, reset & bits);
        else allow(set);
      } else if (!hooked) allow(before & bits);
    }
    return expected;
  }

  /** What reading these bits answers, and what the register holds then. */
  afterRead(cell: Cell, before: bigint, mask: bigint): { answer: bigint; answerKnown: bigint; value: bigint } {
    let answerKnown = 0n;
    let value = before;
    for (const { access, bits } of this.fieldsOf(cell.register)) {
      if (access === 'read-to-clear') value &= ~(bits & mask);
      if (access !== 'write-only' && (access !== 'trigger' || cell.register.reads !== undefined))
        answerKnown |= bits & mask;
    }
    return { answer: before & mask, answerKnown, value };
  }

  /** Fields with their bits; a register without fields is one field of its own. */
  fieldsOf({ fields, width, access, readHook }: RegisterDeclaration): readonly ModelField[] {
    if (fields.length === 0)
      return [{ name: '', access, bits: wideLowMask(width), isComputed: readHook !== undefined }];
    return fields.map((field) => ({
      name: field.name,
      access: field.access,
      bits: maskOf(field),
      isComputed: (readHook ?? field.readHook) !== undefined,
    }));
  }

  /** Whether both are views of the same bytes: one bank at two addresses. */
  shareStorage(device: Device, one: Cell, other: Cell): boolean {
    const [a, b] = [storageOf(device, one), storageOf(device, other)];
    if (a === undefined || b === undefined || a.buffer !== b.buffer) return false;
    return a.start < b.start + other.bytes && b.start < a.start + one.bytes;
  }

  private valueOf(part: string, member: string, held: readonly bigint[]): bigint | undefined {
    const index = this.cells.findIndex((cell) => cell.part === part && cell.register.member === member);
    return index < 0 ? undefined : held[index];
  }
}

/** A field, or a register without fields, as one bit range. */
export interface ModelField {
  readonly name: string;
  readonly access: RegisterAccess;
  readonly bits: bigint;
  /** A read hook says what it reads: it may hold something else than was written. */
  readonly isComputed: boolean;
}

/** What a field may hold, in place. */
export interface Expected extends Pick<ModelField, 'name' | 'access' | 'bits'> {
  readonly values: readonly bigint[];
  /** Or more bits than that. */
  readonly mayRise: boolean;
}

export const isExpected = ({ bits, values, mayRise }: Expected, held: bigint): boolean =>
  values.some((value) => (held & bits) === value || (mayRise && (held & value) === value));

/** Bits of a register that an access covers, and how far it is shifted in the access's value. */
export interface Reach {
  readonly mask: bigint;
  /** What a write changes: more than it covers, where narrow writes are extended by zeros. */
  readonly writeMask: bigint;
  /** Bits from the access's lowest to the register's lowest; negative where the access begins inside the register. */
  readonly shift: number;
}

const fieldOf = (device: Device, part: string, member: string): unknown =>
  part === '' ? device[member as keyof Device] : valueAt(device, `${part}.${member}`);

/** Where an element of an array lies. What is no array has a place of its own. */
function storageOf(
  device: Device,
  { part, register, element, bytes }: Cell,
): { buffer: unknown; start: number } | undefined {
  const held = fieldOf(device, part, register.member);
  return ArrayBuffer.isView(held) ? { buffer: held.buffer, start: held.byteOffset + element * bytes } : undefined;
}

export function hasHook({ fields, readHook, writeHook, hasSetter }: RegisterDeclaration, isWrite: boolean): boolean {
  if (isWrite && hasSetter) return true;
  if ((isWrite ? writeHook : readHook) !== undefined) return true;
  return fields.some((field) => (isWrite ? field.writeHook : field.readHook) !== undefined);
}

/** The part of an access's value that belongs to a register, in place. */
export function inRegister(value: number | bigint, { mask, shift }: Reach): bigint {
  const whole = BigInt(value);
  return (shift >= 0 ? whole >> BigInt(shift) : whole << BigInt(-shift)) & mask;
}

function overlap(cell: Cell, { space, address, size }: Access): Reach | undefined {
  const start = Math.max(cell.address, address);
  const end = Math.min(cell.address + cell.bytes, address + size);
  const { narrow, bank } = cell.register;
  const extended = narrow === 'zero-extended';
  if (bank.overrun === 'dropped' && address < cell.address) return undefined;
  if (cell.space !== space || start >= end || (extended && address !== cell.address)) return undefined;
  const mask = wideLowMask(8 * (end - start)) << BigInt(8 * (start - cell.address));
  const whole = wideLowMask(cell.register.width);
  return { mask, writeMask: extended ? whole : mask, shift: 8 * (cell.address - address) };
}

function cellsOf(layout: Layout, register: RegisterDeclaration): Cell[] {
  const first = layout.targetOf(register);
  if (first === undefined) return [];
  const bytes = register.width / 8;
  const stride = register.indexedBy === undefined ? (register.stride ?? bytes) : 0;
  return Array.from({ length: register.count ?? 1 }, (_, element) => ({
    name: `${layout.name === '' ? '' : `${layout.name}.`}${register.name}${register.count === undefined ? '' : `[${element}]`}`,
    part: layout.name,
    register,
    element,
    space: first.space,
    address: first.address + element * stride,
    bytes,
    side: layout.sideOf(register),
  }));
}
