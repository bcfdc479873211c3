import { maskOf } from '../../base/bits.ts';
import type { AccessModel } from './access-model.ts';
import type { FieldDeclaration } from './model.ts';

// The bits of a register by its access model, as closures. Written twice, for numbers and for bigints: code that sees both is slow.

export type Value = number | bigint;
/** A register's bits in numbers of one kind. */
export interface Bits<V extends Value> {
  readonly zero: V;
  readonly all: V;
  differ(a: V, b: V): boolean;
  /** What of a write goes to hooks only. */
  triggered(value: V, lanes: V): V;
  /** What a hook wants kept, cut to what the register stores. */
  kept(answer: V): V;
  both(a: V, b: V): V;
  /** As the register holds it: device code may have left a negative number in a field. */
  held(field: V): V;
  shown(held: V): V;
  cleared(held: V, lanes: V): V;
  /** What the register holds after a write; `free` are the write-once bits that are not locked. */
  written(value: V, previous: V, lanes: V, free: V, isWhole: boolean): V;
  /** Whether bits change that must not, or whose change is reported. */
  isReported(value: V, previous: V, lanes: V): boolean;
  seen(value: V, previous: V, lanes: V, isWhole: boolean): V;
  free(locked: V, lanes: V): V;
  locked(locked: V, free: V): V;
  field(field: FieldDeclaration): BitsOfField<V>;
}

interface BitsOfField<V extends Value> {
  isTouched(lanes: V): boolean;
  of(register: V): V;
  with(register: V, answer: V): V;
}

export function narrowBits({ masks, register }: AccessModel): Bits<number> {
  const { all, taken, brought, oneToClear, readToClear, shown, once, fixed, reserved, reported, trigger } =
    Object.fromEntries(
      // Signed, as bitwise operators have them: larger numbers would be converted at each access.
      Object.entries(masks).map(([name, mask]) => [name, Number(mask) | 0]),
    ) as { readonly [N in keyof typeof masks]: number };
  const reset = Number(register.reset) | 0;
  // Device code may have left any number in a field. As compiled code does, only 32 bits are made unsigned.
  const normal = register.width === 32 ? (value: number) => value >>> 0 : (value: number) => value;
  return {
    zero: 0,
    all,
    differ: (a, b) => a !== b,
    triggered: (value, lanes) => normal(value & trigger & lanes),
    kept: (answer) => normal(answer & all & ~trigger),
    both: (a, b) => normal(a | b),
    held: normal,
    shown: (held) => normal(shown === all && fixed === 0 ? held : (held & shown) | fixed),
    cleared: (held, lanes) => normal(held & ~(readToClear & lanes)),
    written: (value, previous, lanes, free, isWhole) => {
      let kept = taken === 0 ? previous : previous & (isWhole ? all & ~taken : ~(taken & lanes));
      if (oneToClear !== 0) kept &= ~(value & oneToClear & lanes);
      if (once !== 0) kept = (kept & ~free) | (value & free);
      return normal(brought === 0 ? kept : kept | (value & brought & lanes));
    },
    isReported: (value, previous, lanes) =>
      ((((value ^ reset) & reserved) | ((value ^ previous) & reported)) & lanes) !== 0,
    seen: (value, previous, lanes, isWhole) => (isWhole ? value : normal((value & lanes) | (previous & ~lanes))),
    free: (locked, lanes) => (once & lanes & ~locked) >>> 0,
    locked: (locked, free) => (locked | free) >>> 0,
    field: (field) => {
      const [mask, low] = [Number(maskOf(field)) | 0, field.low];
      return {
        isTouched: (lanes) => (mask & lanes) !== 0,
        of: (held) => (held & mask) >>> low,
        with: (held, answer) => normal((held & ~mask) | ((answer << low) & mask)),
      };
    },
  };
}

export function wideBits({ masks, register }: AccessModel): Bits<bigint> {
  const { all, taken, brought, oneToClear, readToClear, shown, once, fixed, reserved, reported, trigger } = masks;
  const reset = BigInt(register.reset);
  return {
    zero: 0n,
    all,
    differ: (a, b) => a !== b,
    triggered: (value, lanes) => value & trigger & lanes,
    kept: (answer) => answer & all & ~trigger,
    both: (a, b) => a | b,
    held: (held) => held,
    shown: (held) => (held & shown) | fixed,
    cleared: (held, lanes) => held & ~(readToClear & lanes),
    written: (value, previous, lanes, free) => {
      const stored = (taken & lanes) | free;
      return (previous & ~stored & ~(value & oneToClear & lanes)) | (value & ((brought & lanes) | free));
    },
    isReported: (value, previous, lanes) =>
      ((((value ^ reset) & reserved) | ((value ^ previous) & reported)) & lanes) !== 0n,
    seen: (value, previous, lanes) => (value & lanes) | (previous & ~lanes),
    free: (locked, lanes) => once & lanes & ~locked,
    locked: (locked, free) => locked | free,
    field: (field) => {
      const [mask, low] = [maskOf(field), BigInt(field.low)];
      return {
        isTouched: (lanes) => (mask & lanes) !== 0n,
        of: (held) => (held & mask) >> low,
        with: (held, answer) => (held & ~mask) | ((answer << low) & mask),
      };
    },
  };
}
