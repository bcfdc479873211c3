import { describeJson, isJsonObject, type Json, type JsonReader } from '../base/json-reader.ts';
import type { Device } from './device.ts';
import { registerLocks } from './registers/compiled-registers.ts';
import type { RegisterDeclaration } from './registers/declaration.ts';
import { lockShape } from './state-registers.ts';
import type { LoadPlan, Shape } from './state-shape.ts';
import { shape } from './state-shapes.ts';

/** Which bits of write-once registers are locked, by the registers' fields; those without a lock are left out. */
export function saveLocks(device: Device): { readonly [member: string]: Json } {
  const locks = registerLocks(device);
  const saved: Record<string, Json> = {};
  for (const register of withLocks(device)) {
    const written = shapeOfLocks(register).write(locks[register.member]);
    if (written !== undefined) saved[register.member] = written;
  }
  return saved;
}

/** Plans the locks of a snapshot; a register that it does not name has none. */
export function readLocks(device: Device, saved: JsonReader, plan: LoadPlan): void {
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

function readLock(device: Device, register: RegisterDeclaration, saved: JsonReader, plan: LoadPlan): void {
  const { member, count } = register;
  const { data } = saved;
  const locks = registerLocks(device) as Record<string, unknown>;
  const place = {
    get: () => locks[member],
    set: (value: unknown) => {
      locks[member] = value;
    },
  };
  if (data === undefined) plan.whenSound(() => place.set(noLocks(register)));
  else if (count !== undefined && Array.isArray(data) && data.length !== count)
    saved.refuse(`expected ${count} locks, found ${data.length}`);
  else shapeOfLocks(register).read(saved, place, plan);
}

function noLocks({ width, count }: RegisterDeclaration): unknown {
  const none = width === 64 ? 0n : 0;
  return count === undefined ? none : new Array(count).fill(none);
}

function shapeOfLocks(register: RegisterDeclaration): Shape {
  const locks = lockShape(register);
  return register.count === undefined ? locks : shape.list(locks, register.count);
}

function withLocks({ blueprint }: Device): readonly RegisterDeclaration[] {
  return blueprint.registers.filter(({ hasLocks }) => hasLocks);
}
