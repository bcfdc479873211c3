import type { Nothing } from '../regions/region.ts';
import type { AtReset, NarrowAccess, RegisterAccess, RegisterBank, RegisterKind } from './model.ts';

/** What may be said about a field beyond its place and access. */
export interface FieldOptions<V extends Readonly<Record<string, number>>> {
  /** Names of what may stand in it: `{ values: { Off: 0, Fast: 3 } }`. */
  readonly values?: V;
  readonly description?: string;
}

/** Bits of a register under one name. Made by `bit` and `bits`. */
export class FieldSpec<V extends Readonly<Record<string, number>> = Readonly<Record<string, number>>> {
  readonly values: V;
  readonly description: string | undefined;

  constructor(
    readonly low: number,
    readonly high: number,
    readonly access: RegisterAccess,
    options: FieldOptions<V>,
  ) {
    this.values = Object.freeze({ ...options.values }) as V;
    this.description = options.description;
  }
}

/** Bits without a meaning, in as many ranges as it takes. Made by `reserved` and `undocumented`. */
export class ReservedFieldSpec {
  constructor(
    readonly access: 'reserved' | 'undocumented',
    readonly ranges: readonly (readonly [low: number, high: number])[],
  ) {}
}

/** One bit: `bit(7)`, `bit(0, 'read-only')`. */
export function bit<const V extends Readonly<Record<string, number>> = Record<never, never>>(
  position: number,
  access: RegisterAccess = 'read-write',
  options: FieldOptions<V> = {},
): FieldSpec<V> {
  return new FieldSpec<V>(position, position, access, options);
}

/** Bits `low` to `high`, both included: `bits(4, 6, 'read-write', { values: { Stopped: 0, Fast: 5 } })`. */
export function bits<const V extends Readonly<Record<string, number>> = Record<never, never>>(
  low: number,
  high: number,
  access: RegisterAccess = 'read-write',
  options: FieldOptions<V> = {},
): FieldSpec<V> {
  return new FieldSpec<V>(low, high, access, options);
}

/** Bits that have to keep their reset value: `reserved([1, 6], [8, 31])`, `reserved(3)`. */
export function reserved(...ranges: readonly (number | readonly [low: number, high: number])[]): ReservedFieldSpec {
  return new ReservedFieldSpec('reserved', ranges.map(pair));
}

/** Bits that hold what is written to them, for reasons that the datasheet keeps to itself. */
export function undocumented(...ranges: readonly (number | readonly [low: number, high: number])[]): ReservedFieldSpec {
  return new ReservedFieldSpec('undocumented', ranges.map(pair));
}

const pair = (range: number | readonly [number, number]): readonly [number, number] =>
  typeof range === 'number' ? [range, range] : range;

/**
 * What a register is: `{ width: 32, reset: 0x80, fields: {...} }`. The reset value is 0 unless it says otherwise. A trigger has none;
 * it may say what `reads` answer.
 */
export type RegisterSpec = {
  /** Of the whole register. With fields, each has its own; those of a trigger only name its bits. Default: 'read-write'. */
  readonly access?: RegisterAccess;
  /** What the bits mean. Every bit belongs to one of them. */
  readonly fields?: Readonly<Record<string, FieldSpec | ReservedFieldSpec>>;
  /** Default: 'reset-value'. */
  readonly atReset?: AtReset;
  /** The version of the device that brought it, as of other fields with state. Default: 1. */
  readonly since?: number;
  /** What an access narrower than the register does. Default: 'by-byte'. */
  readonly narrow?: NarrowAccess;
  /** An array of so many registers, one after the other. The class's field is a typed array of their width. */
  readonly count?: number;
  /** From one register of the array to the next, in bytes (or steps of the index). Default: side by side. */
  readonly stride?: number;
  /** How it is printed, where the name of the class's field is not it. */
  readonly name?: string;
  readonly description?: string;
} & (
  | { readonly width: 64; readonly reset?: bigint; readonly reads?: bigint }
  // Last, because of a missing width tsc names what the last member of a union wants.
  | { readonly width: 8 | 16 | 32; readonly reset?: number; readonly reads?: number }
);

/** `number`, or `bigint` for 64 bits. */
export type RegisterValue<S extends RegisterSpec> = S['width'] extends 64 ? bigint : number;
/** The type of the class's field; of a trigger that of the method which takes what is written. */
export type RegisterMember<S extends RegisterSpec> = S extends { readonly access: 'trigger' }
  ? (value: RegisterValue<S>, index: number) => Nothing
  : S extends { readonly count: number }
    ? { 8: Uint8Array; 16: Uint16Array; 32: Uint32Array; 64: BigUint64Array }[S['width']]
    : RegisterValue<S>;

/** Names of the fields that mean something. */
export type FieldNames<S> = S extends { readonly fields: infer F }
  ? { [N in keyof F]: F[N] extends FieldSpec ? N : never }[keyof F] & string
  : never;

/** Where a register is, and what was said about it. Its identity is what hooks refer to. */
export interface RegisterDefinition {
  readonly bank: RegisterBank;
  /** Of an indexed register: of its data port. */
  readonly offset: number;
  readonly spec: RegisterSpec;
  readonly indexed:
    | { readonly by: RegisterDefinition; readonly field: FieldSpec | undefined; readonly index: number }
    | undefined;
}

/** A register as its decorator found it in the class. */
export interface DecoratedRegister {
  readonly definition: RegisterDefinition;
  /** The field, the getter or the method. */
  readonly member: string;
  readonly kind: RegisterKind;
  /** Of a derived one: whether writes have a place to go. */
  readonly hasSetter: boolean;
}

/** One hook as written; what it belongs to is looked up when the class is complete. */
export interface HookDeclaration {
  readonly definition: RegisterDefinition;
  readonly field: string | undefined;
  readonly isWrite: boolean;
  readonly method: string;
}
