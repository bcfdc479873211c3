import type { RegisterAccess } from './declaration.ts';

type Names = Readonly<Record<string, number>>;

/** What may be said about a field beyond its place and access. */
export interface FieldOptions<V extends Names = Names> {
  /** Names of what may stand in it: `{ values: { Off: 0, Fast: 3 } }`. */
  readonly values?: V;
  readonly description?: string;
}

/** Bits of a register under one name. Made by `bit` and `bits`. */
export class FieldSpec<V extends Names = Names> {
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

/** Bits without a meaning, in as many stretches as it takes. Made by `reserved` and `undocumented`. */
export class FillerSpec {
  constructor(
    readonly access: 'reserved' | 'undocumented',
    readonly stretches: readonly (readonly [low: number, high: number])[],
  ) {}
}

export type FieldSpecs = Readonly<Record<string, FieldSpec | FillerSpec>>;

/** One bit: `bit(7)`, `bit(0, 'read-only')`. */
export function bit<const V extends Names = Record<never, never>>(
  position: number,
  access: RegisterAccess = 'read-write',
  options: FieldOptions<V> = {},
): FieldSpec<V> {
  return new FieldSpec<V>(position, position, access, options);
}

/** Bits `low` to `high`, both included: `bits(4, 6, 'read-write', { values: { Stopped: 0, Fast: 5 } })`. */
export function bits<const V extends Names = Record<never, never>>(
  low: number,
  high: number,
  access: RegisterAccess = 'read-write',
  options: FieldOptions<V> = {},
): FieldSpec<V> {
  return new FieldSpec<V>(low, high, access, options);
}

type Stretch = number | readonly [low: number, high: number];

/** Bits that have to keep their reset value: `reserved([1, 6], [8, 31])`, `reserved(3)`. */
export function reserved(...stretches: readonly Stretch[]): FillerSpec {
  return new FillerSpec('reserved', stretches.map(pair));
}

/** Bits that hold what is written to them, for reasons that the datasheet keeps to itself. */
export function undocumented(...stretches: readonly Stretch[]): FillerSpec {
  return new FillerSpec('undocumented', stretches.map(pair));
}

const pair = (stretch: Stretch): readonly [number, number] =>
  typeof stretch === 'number' ? [stretch, stretch] : stretch;
