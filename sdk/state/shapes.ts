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
      else plan.onValidated(() => place.set(value));
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
      if (isTime(time)) plan.onValidated(() => place.set(time));
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
const between = (from: number, to: number): Shape => {
  const same = (value: unknown) => (typeof value === 'number' && value >= from && value <= to ? value + 0 : undefined);
  return scalar(`a number from ${from} to ${to}`, same, same);
};

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

const integer = (from: number, to: number): Shape => {
  const fits = (value: unknown) => Number.isInteger(value) && (value as number) >= from && (value as number) <= to;
  const same = (value: unknown) => (fits(value) ? (value as number) + 0 : undefined);
  return scalar(`a whole number from ${from} to ${to}`, same, same);
};

const bigBits = (width: number): Shape => {
  const fits = (value: unknown): value is bigint => typeof value === 'bigint' && BigInt.asUintN(width, value) === value;
  return scalar(
    `a hexadecimal number of ${width} bits in quotes`,
    (value) => (fits(value) ? hex(value) : undefined),
    (data) => {
      const value = typeof data === 'string' && hexadecimal.test(data) ? bigintOf(data) : undefined;
      return fits(value) ? value : undefined;
    },
  );
};

const text = (most = MostByDefault): Shape => {
  const same = (value: unknown) => (typeof value === 'string' && value.length <= most ? value : undefined);
  return scalar(`a text of at most ${most} characters`, same, same);
};

const choice = (values: readonly string[]): Shape => {
  const same = (value: unknown) => (typeof value === 'string' && values.includes(value) ? value : undefined);
  return scalar(`one of ${values.map((one) => `'${one}'`).join(', ')}`, same, same);
};

const optional = (inner: Shape): Shape => {
  return Object.freeze({
    expected: `${inner.expected}, or null`,
    write: (value: unknown) => (value === undefined ? null : inner.write(value)),
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const data = saved.data as Json;
      if (data === null) plan.onValidated(() => place.set(undefined));
      else inner.read(saved, place, plan);
    },
    rebase(place: StatePlace, move: EpochMove): void {
      if (place.get() !== undefined) inner.rebase?.(place, move);
    },
  });
};

/** An array whose length changes; the array itself stays the same object. */
const list = (element: Shape, most = MostByDefault): Shape => {
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
      plan.onValidated(() => {
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
};

/** Bytes of any number up to `most`; a field with a fixed number of them needs no shape. */
const bytes = (most = MostByDefault): Shape => {
  return scalar(
    `at most ${most} bytes`,
    (value) => (value instanceof Uint8Array && value.length <= most ? writeBytes(value) : undefined),
    (data) => readBytes(data, most),
  );
};

/**
 * What a field may hold, where its first value does not say it: `@state({ as: shape.list(shape.bits(8), 16) })`. Widths are in
 * bits, lengths in bytes or elements.
 */
export const shape: {
  readonly number: Shape;
  readonly finite: Shape;
  readonly boolean: Shape;
  readonly bigint: Shape;
  /** A whole number in a range, both ends included. */
  integer(from: number, to: number): Shape;
  between(from: number, to: number): Shape;
  /** A whole number of so many bits, from 0. */
  bits(width: number): Shape;
  bigBits(width: number): Shape;
  text(most?: number): Shape;
  choice(values: readonly string[]): Shape;
  optional(inner: Shape): Shape;
  list(element: Shape, most?: number): Shape;
  bytes(most?: number): Shape;
} = Object.freeze({
  number,
  finite,
  boolean,
  bigint,
  integer,
  between,
  bits: (width: number) => {
    if (Number.isInteger(width) && width >= 1 && width <= 53) return integer(0, 2 ** width - 1);
    throw new BackplaneError(
      'invalid-shape',
      `shape.bits(${width}): a number has 1 to 53 bits. For more, use shape.bigBits.`,
    );
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
