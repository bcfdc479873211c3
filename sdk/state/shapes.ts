import { BackplaneError } from '../base/errors.ts';
import { describeJson, type Json, type JsonReader } from '../base/json-reader.ts';
import { hex } from '../base/text.ts';
import { LatestTime } from '../clock/time.ts';
import { readBytes, writeBytes } from './bytes.ts';
import type { EpochMove, LoadPlan, Shape, StatePlace } from './schema.ts';

/** Texts and lists of a device's state are no longer than this unless it says so. */
const MostByDefault = 65_536;

/** Numbers that are texts in a snapshot: JSON has no infinities, and what writes it drops the sign of a zero. */
export const numberTexts: Readonly<Record<string, number>> = {
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-0': -0,
};

/** A value that is replaced as a whole. */
function scalar(expected: string, write: (value: unknown) => Json | undefined, read: (data: Json) => unknown): Shape {
  return Object.freeze({
    expected,
    write,
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const data = saved.data as Json;
      const value = read(data);
      if (value === undefined) saved.refuse(`expected ${expected}, found ${describeJson(data)}`);
      else plan.whenSound(() => place.set(value));
    },
  });
}

/** Any number, infinite ones and -0 too. */
const number = scalar(
  'a number',
  (value) => {
    if (typeof value !== 'number' || Number.isNaN(value)) return undefined;
    if (Object.is(value, -0)) return '-0';
    return Number.isFinite(value) ? value : String(value);
  },
  (data) => (typeof data === 'string' && Object.hasOwn(numberTexts, data) ? numberTexts[data] : ofType(data, 'number')),
);

/** A time that moves with the clock's epoch. Some may be Infinity, which is never. Its zero has no sign. */
function timeShape(expected: string, isTime: (time: unknown) => boolean): Shape {
  return Object.freeze({
    expected,
    write: (value: unknown) => {
      const time = Number.isFinite(value) ? clamp(value as number) : value;
      return isTime(time) ? number.write((time as number) + 0) : undefined;
    },
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const data = saved.data as Json;
      const time = data === 'Infinity' ? Number.POSITIVE_INFINITY : data;
      if (isTime(time)) plan.whenSound(() => place.set(time));
      else saved.refuse(`expected ${expected}, found ${describeJson(data)}`);
    },
    rebase(place: StatePlace, { nanoseconds }: EpochMove): void {
      const time = place.get();
      if (typeof time === 'number') place.set(time - nanoseconds);
    },
  });
}

const clamp = (time: number): number => Math.max(-LatestTime, Math.min(time, LatestTime));

const isTime = (time: unknown): boolean => typeof time === 'number' && Math.abs(time) <= LatestTime;

/**
 * A time by the machine's clock: nanoseconds since its epoch, which it moves with. It is exact for 104 days on either side of
 * that; what must be exact for longer counts in seconds, from `clock.epoch`.
 */
export const guestTime = timeShape('a guest time in nanoseconds', isTime);

/** The same, or Infinity for what never happens. */
export const guestTimeOrNever = timeShape(
  'a guest time in nanoseconds, or "Infinity"',
  (time) => isTime(time) || time === Number.POSITIVE_INFINITY,
);

const finite = scalar(
  'a number',
  (value) => (Number.isFinite(value) ? (value as number) + 0 : undefined),
  (data) => (Number.isFinite(data) ? data : undefined),
);

/** A number that need not be whole. Its zero has no sign, nor has that of a whole one. */
function between(from: number, to: number): Shape {
  const same = (value: unknown) => (typeof value === 'number' && value >= from && value <= to ? value + 0 : undefined);
  return scalar(`a number from ${from} to ${to}`, same, same);
}

const boolean = scalar(
  'true or false',
  (value) => ofType(value, 'boolean') as Json | undefined,
  (data) => ofType(data, 'boolean'),
);

const hexadecimal = /^-?0x[0-9a-f]{1,4096}$/;

const bigint = scalar(
  'a hexadecimal number in quotes, such as "0x1f"',
  (value) => (typeof value === 'bigint' ? hex(value) : undefined),
  (data) => (typeof data === 'string' && hexadecimal.test(data) ? bigintOf(data) : undefined),
);

function integer(from: number, to: number): Shape {
  const fits = (value: unknown) => Number.isInteger(value) && (value as number) >= from && (value as number) <= to;
  const same = (value: unknown) => (fits(value) ? (value as number) + 0 : undefined);
  return scalar(`a whole number from ${from} to ${to}`, same, same);
}

function bigBits(width: number): Shape {
  const fits = (value: unknown): value is bigint => typeof value === 'bigint' && BigInt.asUintN(width, value) === value;
  return scalar(
    `a hexadecimal number of ${width} bits in quotes`,
    (value) => (fits(value) ? hex(value) : undefined),
    (data) => {
      const value = typeof data === 'string' && hexadecimal.test(data) ? bigintOf(data) : undefined;
      return fits(value) ? value : undefined;
    },
  );
}

function text(most = MostByDefault): Shape {
  const same = (value: unknown) => (typeof value === 'string' && value.length <= most ? value : undefined);
  return scalar(`a text of at most ${most} characters`, same, same);
}

function choice(values: readonly string[]): Shape {
  const same = (value: unknown) => (typeof value === 'string' && values.includes(value) ? value : undefined);
  return scalar(`one of ${values.map((one) => `'${one}'`).join(', ')}`, same, same);
}

function optional(inner: Shape): Shape {
  return Object.freeze({
    expected: `${inner.expected}, or null`,
    write: (value: unknown) => (value === undefined ? null : inner.write(value)),
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const data = saved.data as Json;
      if (data === null) plan.whenSound(() => place.set(undefined));
      else inner.read(saved, place, plan);
    },
    rebase(place: StatePlace, move: EpochMove): void {
      if (place.get() !== undefined) inner.rebase?.(place, move);
    },
  });
}

/** An array whose length changes; the array itself stays the same object. */
function list(element: Shape, most = MostByDefault): Shape {
  const expected = `a list of at most ${most}, each ${element.expected}`;
  return Object.freeze({
    expected,
    write(value: unknown): Json | undefined {
      if (!Array.isArray(value) || value.length > most) return undefined;
      const written = value.map((one) => element.write(one));
      return written.includes(undefined) ? undefined : (written as Json[]);
    },
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const data = saved.data as Json;
      if (!Array.isArray(data) || data.length > most) {
        saved.refuse(`expected ${expected}, found ${describeJson(data)}`);
        return;
      }
      const loaded: unknown[] = new Array(data.length).fill(undefined);
      for (let index = 0; index < data.length; index++) {
        const slot = { get: () => loaded[index], set: (value: unknown) => (loaded[index] = value) };
        element.read(saved.item(index), slot, plan);
      }
      plan.whenSound(() => {
        const present = place.get();
        if (Array.isArray(present)) present.splice(0, present.length, ...loaded);
        else place.set(loaded);
      });
    },
    rebase(place: StatePlace, move: EpochMove): void {
      const present = place.get();
      if (!Array.isArray(present)) return;
      for (let index = 0; index < present.length; index++) {
        const slot = { get: () => present[index], set: (value: unknown) => (present[index] = value) };
        element.rebase?.(slot, move);
      }
    },
  });
}

/** Bytes of any number up to `most`; a field with a fixed number of them needs no shape. */
function bytes(most = MostByDefault): Shape {
  return scalar(
    `at most ${most} bytes`,
    (value) => (value instanceof Uint8Array && value.length <= most ? writeBytes(value) : undefined),
    (data) => readBytes(data, most),
  );
}

/** What a field may hold, where its first value does not say it: `@state({ as: shape.list(shape.bits(8), 16) })`. */
export const shape = Object.freeze({
  number,
  finite,
  boolean,
  bigint,
  integer,
  between,
  /** A whole number of so many bits, from 0. */
  bits: (width: number) => {
    if (Number.isInteger(width) && width >= 1 && width <= 53) return integer(0, 2 ** width - 1);
    throw new BackplaneError(`shape.bits(${width}): a number has 1 to 53 bits. For more, use shape.bigBits.`);
  },
  bigBits,
  text,
  choice,
  optional,
  list,
  bytes,
});

function ofType(value: unknown, type: 'number' | 'boolean'): unknown {
  return typeof value === type ? value : undefined;
}

function bigintOf(data: string): bigint {
  return data.startsWith('-') ? -BigInt(data.slice(1)) : BigInt(data);
}

/** Arrays whose elements are more than bytes. */
export type NumberArray = Exclude<TypedArray, Uint8Array>;
type TypedArray =
  | Uint8Array
  | Int8Array
  | Uint8ClampedArray
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** So many bytes, in an array or a view that stays. */
export function fixedBytes(length: number): Shape {
  return Object.freeze({
    expected: `${length} bytes`,
    write: (value: unknown) =>
      ArrayBuffer.isView(value) && value.byteLength === length ? writeBytes(bytesOf(value)) : undefined,
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const data = saved.data as Json;
      const bytes = readBytes(data, length);
      if (bytes?.length === length) plan.whenSound(() => bytesOf(place.get() as ArrayBufferView).set(bytes));
      else saved.refuse(`expected ${length} bytes, found ${bytes === undefined ? describeJson(data) : bytes.length}`);
    },
  });
}

/** Elements of 16 bits and more: numbers, or hexadecimal texts for those of 64. */
export function typedArray(present: NumberArray): Shape {
  const { length } = present;
  const isBig = present instanceof BigInt64Array || present instanceof BigUint64Array;
  const element = isBig ? shape.bigint : shape.number;
  const expected = `a list of ${length} numbers that fit a ${present.constructor.name}`;
  const elements = (value: unknown): unknown[] => Array.from(value as ArrayLike<unknown>);
  return Object.freeze({
    expected,
    write(value: unknown): Json | undefined {
      if (!ArrayBuffer.isView(value)) return undefined;
      const written = elements(value).map((one) => element.write(one));
      return written.length === length && !written.includes(undefined) ? (written as Json[]) : undefined;
    },
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const data = saved.data as Json;
      const loaded = present.slice() as unknown as unknown[];
      const fits =
        Array.isArray(data) &&
        data.length === length &&
        data.every((one: Json, index) => fitsAt(loaded, index, one, isBig));
      if (!fits) saved.refuse(`expected ${expected}, found ${describeJson(data)}`);
      else plan.whenSound(() => (place.get() as Uint16Array).set(loaded as unknown as Uint16Array));
    },
  });
}

/** Stores the element; true if it is the same afterwards. */
function fitsAt(loaded: unknown[], index: number, data: Json, isBig: boolean): boolean {
  let value: unknown = data;
  if (isBig) {
    if (typeof data !== 'string' || !/^-?0x[0-9a-f]{1,16}$/.test(data)) return false;
    value = data.startsWith('-') ? -BigInt(data.slice(1)) : BigInt(data);
  } else if (typeof data === 'string' && Object.hasOwn(numberTexts, data)) value = numberTexts[data];
  if (typeof value !== (isBig ? 'bigint' : 'number')) return false;
  loaded[index] = value;
  return Object.is(loaded[index], value);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
