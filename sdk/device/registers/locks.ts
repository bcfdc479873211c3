import { maskOf } from '../../base/bits.ts';
import { describeJson, isJsonObject, type Json, type JsonReader } from '../../base/json-reader.ts';
import { hex } from '../../base/text.ts';
import type { LoadPlan, Shape } from '../../state/schema.ts';
import { shape } from '../../state/shapes.ts';
import type { DeviceInstance } from '../class-metadata.ts';
import type { RegisterDeclaration } from './model.ts';
import { bitsShape, checked } from './snapshot-shapes.ts';

/** Which write-once bits are locked, by the register's field of the class; of an array one entry per register. */
export type RegisterLocks = Record<string, number | bigint | (number | bigint)[]>;

const locks = new WeakMap<object, RegisterLocks>();

/** The locks of a device's write-once registers: plain data, live, for snapshots to save and to assign back. */
export function registerLocks(device: object): RegisterLocks {
  let ofDevice = locks.get(device);
  if (ofDevice === undefined) {
    ofDevice = {};
    locks.set(device, ofDevice);
  }
  return ofDevice;
}

/** Which bits of a write-once register are locked: none but those that can be. */
function lockShape(register: RegisterDeclaration): Shape {
  const lockable = register.fields
    .filter(({ access }) => access === 'write-once')
    .reduce((mask, field) => mask | maskOf(field), 0n);
  const plain = bitsShape(register);
  if (register.fields.length === 0) return plain;
  return checked(plain, plain.expected, (locks) =>
    (BigInt(locks) & ~lockable) === 0n
      ? undefined
      : `found ${hex(locks)}, and of register '${register.name}' only the bits ${hex(lockable)} are write-once`,
  );
}

/** Which bits of write-once registers are locked, by the registers' fields; those without a lock are left out. */
export function saveLocks(device: DeviceInstance): { readonly [member: string]: Json } {
  const locks = registerLocks(device);
  const saved: Record<string, Json> = {};
  for (const register of withLocks(device)) {
    const written = shapeOfLocks(register).write(locks[register.member]);
    if (written !== undefined) saved[register.member] = written;
  }
  return saved;
}

/** Plans the locks of a snapshot; a register that it does not name has none. */
export function readLocks(device: DeviceInstance, saved: JsonReader, plan: LoadPlan): void {
  const registers = withLocks(device);
  if (saved.data !== undefined && !isJsonObject(saved.data)) {
    saved.refuse(`expected locks by register, found ${describeJson(saved.data)}`);
    return;
  }
  for (const [name, member] of saved.entries()) {
    const isKnown = registers.some((register) => register.member === name);
    if (!isKnown) member.refuse('is in the snapshot, and the class has no such locks');
  }
  for (const register of registers) readLock(device, register, saved.member(register.member), plan);
}

function readLock(device: DeviceInstance, register: RegisterDeclaration, saved: JsonReader, plan: LoadPlan): void {
  const { member, count } = register;
  const { data } = saved;
  const locks = registerLocks(device) as Record<string, unknown>;
  const place = {
    get: () => locks[member],
    set: (value: unknown) => {
      locks[member] = value;
    },
  };
  if (data === undefined) plan.onValidated(() => place.set(noLocks(register)));
  else if (count !== undefined && Array.isArray(data) && data.length !== count)
    saved.refuse(`expected ${count} locks, found ${data.length}`);
  else shapeOfLocks(register).read(saved, place, plan);
}

/** As after a reset: nothing is locked. */
export function noLocks({ width, count }: RegisterDeclaration): number | bigint | (number | bigint)[] {
  const none = width === 64 ? 0n : 0;
  return count === undefined ? none : new Array(count).fill(none);
}

function shapeOfLocks(register: RegisterDeclaration): Shape {
  const locks = lockShape(register);
  return register.count === undefined ? locks : shape.list(locks, register.count);
}

function withLocks({ metadata }: DeviceInstance): readonly RegisterDeclaration[] {
  return metadata.registers.filter(({ hasLocks }) => hasLocks);
}
