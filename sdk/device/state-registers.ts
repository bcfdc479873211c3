import { maskOf } from '../base/bits.ts';
import type { Json, JsonReader } from '../base/json-reader.ts';
import { hex } from '../base/text.ts';
import type { FieldDeclaration, RegisterDeclaration } from './registers/declaration.ts';
import { describeBits } from './registers/names.ts';
import { shapeOf } from './state-inference.ts';
import { StateLoading } from './state-loading.ts';
import type { LoadPlan, Shape, StatePlace } from './state-shape.ts';
import { shape } from './state-shapes.ts';

/** Bits of a register that never change. */
interface FixedBits {
  readonly field: FieldDeclaration;
  readonly mask: bigint;
  /** What they hold, in their place. */
  readonly value: bigint;
}

/** A register in a snapshot: of its width, and what is constant or reserved as it always is. Undefined: as the field itself says. */
export function registerShape(register: RegisterDeclaration): Shape | undefined {
  const fixed = fixedBits(register);
  if (register.count !== undefined) return fixed.length === 0 ? undefined : arrayShape(register, fixed);
  const plain = bitsShape(register);
  return fixed.length === 0 ? plain : guarded(plain, register, fixed);
}

/** Which bits of a write-once register are locked: none but those that can be. */
export function lockShape(register: RegisterDeclaration): Shape {
  const lockable = register.fields
    .filter(({ access }) => access === 'write-once')
    .reduce((mask, field) => mask | maskOf(field), 0n);
  const plain = bitsShape(register);
  if (register.fields.length === 0) return plain;
  return Object.freeze({
    ...plain,
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const locks = readValue(plain, saved, plan);
      if (locks === undefined) return;
      if ((BigInt(locks) & ~lockable) === 0n) plan.whenSound(() => place.set(locks));
      else
        saved.refuse(
          `found ${hex(locks)}, and of register '${register.name}' only the bits ${hex(lockable)} are write-once`,
        );
    },
  });
}

function bitsShape({ width }: RegisterDeclaration): Shape {
  return width === 64 ? shape.bigBits(width) : shape.bits(width);
}

/** Not where the device's options make them what they are: only the device knows that. */
function fixedBits({ fields, reset, atReset }: RegisterDeclaration): FixedBits[] {
  if (atReset === 'set-by-device') return [];
  return fields
    .filter(({ access }) => access === 'constant' || access === 'reserved')
    .map((field) => ({ field, mask: maskOf(field), value: BigInt(reset) & maskOf(field) }));
}

function guarded(plain: Shape, register: RegisterDeclaration, fixed: readonly FixedBits[]): Shape {
  const fits = (value: unknown) => fixed.every((one) => (BigInt(value as number | bigint) & one.mask) === one.value);
  return Object.freeze({
    expected: `${plain.expected} with ${fixed.map((one) => `${describeFixed(one)} ${contentOf(one, one.value)}`).join(', ')}`,
    write(value: unknown): Json | undefined {
      const written = plain.write(value);
      return written !== undefined && fits(value) ? written : undefined;
    },
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const value = readValue(plain, saved, plan);
      if (value !== undefined && refuseFixed(register, fixed, value, saved)) plan.whenSound(() => place.set(value));
    },
  });
}

function arrayShape(register: RegisterDeclaration, fixed: readonly FixedBits[]): Shape {
  const plainOf = (present: unknown) => shapeOf(present) as Shape;
  return Object.freeze({
    expected: 'registers of which no constant or reserved bit differs',
    write: (value: unknown) =>
      ArrayBuffer.isView(value) &&
      [...(value as unknown as Iterable<number | bigint>)].every((one) =>
        fixed.every(({ mask, value: always }) => (BigInt(one) & mask) === always),
      )
        ? plainOf(value).write(value)
        : undefined,
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const present = place.get() as Uint32Array;
      const loaded = present.slice();
      if (!readNow(plainOf(present), saved, { get: () => loaded, set: () => {} }, plan)) return;
      const sound = Array.from(loaded, (value, index) => refuseFixed(register, fixed, value, saved.item(index)));
      if (sound.every(Boolean)) plan.whenSound(() => present.set(loaded));
    },
  });
}

/** The value that the data stand for, read at once; undefined if they stand for none. */
function readValue(plain: Shape, saved: JsonReader, plan: LoadPlan): number | bigint | undefined {
  let value: unknown;
  const place = {
    get: () => value,
    set: (found: unknown) => {
      value = found;
    },
  };
  return readNow(plain, saved, place, plan) ? (value as number | bigint) : undefined;
}

function readNow(plain: Shape, saved: JsonReader, place: StatePlace, plan: LoadPlan): boolean {
  const reading = new StateLoading(plan.version, undefined);
  const before = saved.problems.length;
  plain.read(saved, place, reading);
  if (saved.problems.length > before) return false;
  reading.applyAll();
  return true;
}

/** Names the first field that holds what it cannot. */
function refuseFixed(
  { name }: RegisterDeclaration,
  fixed: readonly FixedBits[],
  value: number | bigint,
  saved: JsonReader,
): boolean {
  const wrong = fixed.find((one) => (BigInt(value) & one.mask) !== one.value);
  if (wrong === undefined) return true;
  saved.refuse(
    `found ${hex(value)}, and of register '${name}' ${describeFixed(wrong)} are always ${contentOf(wrong, wrong.value)}: ` +
      `they cannot hold ${contentOf(wrong, BigInt(value) & wrong.mask)}`,
  );
  return false;
}

const describeFixed = ({ field }: FixedBits): string => `${describeBits(field)} ('${field.name}', ${field.access})`;
const contentOf = ({ field }: FixedBits, bits: bigint): string => hex(bits >> BigInt(field.low));
