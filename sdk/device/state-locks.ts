import type { Device } from './device.ts';
import { registerLocks } from './registers/compiled-registers.ts';
import type { RegisterDeclaration } from './registers/declaration.ts';
import { lockShape } from './state-registers.ts';
import type { Json, LoadPlan, Shape } from './state-shape.ts';
import { quote, shape } from './state-shapes.ts';

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
export function readLocks(device: Device, data: Json, plan: LoadPlan): void {
  const registers = withLocks(device);
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    plan.refuse(`expected locks by register, found ${quote(data)}`);
    return;
  }
  const saved = data as { readonly [member: string]: Json };
  const strangers = Object.keys(saved).filter((name) => !registers.some(({ member }) => member === name));
  for (const name of strangers) {
    plan.inside(`.${name.slice(0, 64)}`, () => plan.refuse('is in the snapshot, and the class has no such locks'));
  }
  for (const register of registers) plan.inside(`.${register.member}`, () => readLock(device, register, saved, plan));
}

function readLock(
  device: Device,
  register: RegisterDeclaration,
  saved: { readonly [member: string]: Json },
  plan: LoadPlan,
): void {
  const { member, count } = register;
  const locks = registerLocks(device) as Record<string, unknown>;
  if (!Object.hasOwn(saved, member)) {
    plan.whenSound(() => {
      locks[member] = noLocks(register);
    });
    return;
  }
  const data = saved[member] as Json;
  if (count !== undefined && Array.isArray(data) && data.length !== count) {
    plan.refuse(`expected ${count} locks, found ${data.length}`);
    return;
  }
  const place = {
    get: () => locks[member],
    set: (value: unknown) => {
      locks[member] = value;
    },
  };
  shapeOfLocks(register).read(data, place, plan);
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
