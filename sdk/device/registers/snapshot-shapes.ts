import { maskOf } from '../../base/bits.ts';
import type { JsonReader } from '../../base/json-reader.ts';
import { hex } from '../../base/text.ts';
import { shapeOf } from '../../state/fields.ts';
import { StateLoading } from '../../state/restore-plan.ts';
import { type LoadPlan, type Shape, type StateDeclaration, type StatePlace, stateOf } from '../../state/schema.ts';
import { shape } from '../../state/shapes.ts';
import type { ClassMetadata } from '../class-metadata.ts';
import type { FieldDeclaration, RegisterDeclaration } from './model.ts';
import { describeBits } from './names.ts';

/** Bits of a register that never change. */
interface FixedBits {
  readonly field: FieldDeclaration;
  readonly mask: bigint;
  /** What they hold, in their place. */
  readonly value: bigint;
}

const fieldsOfClasses = new WeakMap<ClassMetadata, readonly StateDeclaration[]>();

/** The fields of a class that are state; those of registers with their shapes. */
export function stateFields(metadata: ClassMetadata): readonly StateDeclaration[] {
  const known = fieldsOfClasses.get(metadata);
  if (known !== undefined) return known;
  const decorated = new Set(stateOf(metadata.deviceClass));
  const registers = new Map(metadata.registers.map((register) => [register.member, register]));
  const fields = metadata.state.map((field) => {
    const register = decorated.has(field) ? undefined : registers.get(field.member);
    return register === undefined ? field : Object.freeze({ ...field, shape: registerShape(register) });
  });
  fieldsOfClasses.set(metadata, fields);
  return fields;
}

/** A register in a snapshot: of its width, and what is constant or reserved as it always is. Undefined: as the field itself says. */
function registerShape(register: RegisterDeclaration): Shape | undefined {
  const fixed = fixedBits(register);
  if (register.count !== undefined) return fixed.length === 0 ? undefined : arrayShape(register, fixed);
  const plain = bitsShape(register);
  if (fixed.length === 0) return plain;
  const contents = fixed.map((one) => `${describeFixed(one)} ${contentOf(one, one.value)}`).join(', ');
  return checked(plain, `${plain.expected} with ${contents}`, (value) => fixedProblem(register, fixed, value));
}

export function bitsShape({ width }: RegisterDeclaration): Shape {
  return width === 64 ? shape.bigBits(width) : shape.bits(width);
}

/** Not where the device's options make them what they are: only the device knows that. */
function fixedBits({ fields, reset, atReset }: RegisterDeclaration): FixedBits[] {
  if (atReset === 'set-by-device') return [];
  return fields
    .filter(({ access }) => access === 'constant' || access === 'reserved')
    .map((field) => ({ field, mask: maskOf(field), value: BigInt(reset) & maskOf(field) }));
}

/** A shape of some values only: `problem` says what is wrong with the others. */
export function checked(
  plain: Shape,
  expected: string,
  problem: (value: number | bigint) => string | undefined,
): Shape {
  return Object.freeze({
    expected,
    write: (value: unknown) => {
      const written = plain.write(value);
      return written === undefined || problem(value as number) !== undefined ? undefined : written;
    },
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const value = readValue(plain, saved, plan);
      const why = value === undefined ? undefined : problem(value);
      if (why !== undefined) saved.refuse(why);
      else if (value !== undefined) plan.onValidated(() => place.set(value));
    },
  });
}

function arrayShape(register: RegisterDeclaration, fixed: readonly FixedBits[]): Shape {
  const plainOf = (present: unknown) => shapeOf(present) as Shape;
  const problem = (value: number | bigint) => fixedProblem(register, fixed, value);
  return Object.freeze({
    expected: 'registers of which no constant or reserved bit differs',
    write: (value: unknown) =>
      ArrayBuffer.isView(value) && !Array.from(value as unknown as Uint32Array).some(problem)
        ? plainOf(value).write(value)
        : undefined,
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const present = place.get() as Uint32Array;
      const loaded = present.slice();
      if (!readNow(plainOf(present), saved, { get: () => loaded, set: () => {} }, plan)) return;
      const problems = Array.from(loaded, problem);
      problems.forEach((why, index) => {
        if (why !== undefined) saved.item(index).refuse(why);
      });
      if (!problems.some(Boolean)) plan.onValidated(() => present.set(loaded));
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
function fixedProblem(
  { name }: RegisterDeclaration,
  fixed: readonly FixedBits[],
  value: number | bigint,
): string | undefined {
  const wrong = fixed.find((one) => (BigInt(value) & one.mask) !== one.value);
  if (wrong === undefined) return undefined;
  return (
    `found ${hex(value)}, and of register '${name}' ${describeFixed(wrong)} are always ${contentOf(wrong, wrong.value)}: ` +
    `they cannot hold ${contentOf(wrong, BigInt(value) & wrong.mask)}`
  );
}

const describeFixed = ({ field }: FixedBits): string => `${describeBits(field)} ('${field.name}', ${field.access})`;
const contentOf = ({ field }: FixedBits, bits: bigint): string => hex(bits >> BigInt(field.low));
