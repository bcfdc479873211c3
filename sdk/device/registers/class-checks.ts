import { BackplaneError, type Fail } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import type { DeviceInstance } from '../class-metadata.ts';
import {
  accessesOf,
  answersReads,
  hasWriteEffect,
  isPair,
  isSamePlace,
  type RegisterDeclaration,
  takesWrites,
} from './model.ts';
import { describeRegister, extent } from './names.ts';
import type { RegisterSpec } from './spec.ts';

// The registers of a class together, and what of the class each stands on: a field, a getter or a method, and the hooks.

/** A derived register has nothing to clear, and nothing to lock. */
export function checkDerivedSpec(spec: RegisterSpec, where: string, hasSetter: boolean, fail: Fail): void {
  const { access = 'read-write', fields, atReset } = spec;
  const kinds = fields === undefined ? [access] : Object.values(fields).map((field) => field.access);
  const wrong = kinds.find((kind) => kind === 'write-once' || (kind === 'read-to-clear' && !hasSetter));
  if (wrong !== undefined)
    throw fail(
      'invalid-derived-register',
      `${where} stands on a getter, so none of its bits can be ${wrong}. Put it on a field.`,
    );
  if (atReset !== undefined)
    throw fail(
      'invalid-derived-register',
      `${where} stands on a getter, so a reset leaves it alone. Leave out atReset.`,
    );
}

/** Without a setter, what is written must go to hooks. */
export function checkDerivedWrites(register: RegisterDeclaration, fail: Fail): void {
  const { fields, access, writeHook, name, member } = register;
  if (writeHook !== undefined) return;
  const ranges = fields.length === 0 ? [{ name, access, writeHook }] : fields;
  const lost = ranges.find(
    (range) => range.access !== 'reserved' && hasWriteEffect(range.access) && range.writeHook === undefined,
  );
  if (lost === undefined) return;
  throw fail(
    'invalid-derived-register',
    `${describeRegister(register)} stands on a getter, and '${lost.name}' is ${lost.access}: what is written would be lost. ` +
      `Declare it 'read-only', or give it onWrite(), or '${member}' a setter.`,
  );
}

/** Refuses a hook that no access would call, or that no access would give another value. */
export function checkHook(
  register: RegisterDeclaration,
  field: string | undefined,
  isWrite: boolean,
  method: string,
  fail: Fail,
) {
  const hook = `hook '${method}', ${isWrite ? 'onWrite' : 'onRead'} of ${describeRegister(register)}`;
  const named = register.fields.filter(({ name }) => name === field);
  if (field !== undefined && named.length === 0) {
    const names = [...new Set(register.fields.map(({ name }) => `'${name}'`))].join(', ');
    throw fail(
      'register-hook-unknown-field',
      `${hook}: it has no field '${field}'. ${names === '' ? 'It has no fields.' : `It has ${names}.`}`,
    );
  }
  const accesses = field === undefined ? accessesOf(register) : named.map(({ access }) => access);
  const what = field === undefined ? 'the register' : `field '${field}'`;
  if (isWrite && field === undefined && register.kind === 'trigger') {
    throw fail(
      'register-hook-twice',
      `${hook}: its method '${register.member}' takes each write already. Keep one of them.`,
    );
  }
  if (isWrite && (!takesWrites(accesses) || accesses.every((access) => access === 'reserved'))) {
    throw fail(
      'register-hook-never-called',
      `${hook}: ${what} is ${accesses[0]}, so a write never changes it. Give it another access, or drop the hook.`,
    );
  }
  if (!isWrite && !answersReads(accesses)) {
    throw fail(
      'register-hook-never-called',
      `${hook}: ${what} is ${accesses[0]}, so no read calls it. Give it another access, or drop the hook.`,
    );
  }
}

const withCheckedFields = new WeakSet<DeviceInstance>();

/** The class's fields must be able to hold their registers, and start as the declarations say. Asked once per device. */
export function checkRegisterFields(device: DeviceInstance): void {
  if (withCheckedFields.has(device)) return;
  withCheckedFields.add(device);
  for (const register of device.metadata.registers) {
    if (register.kind !== 'stored') continue;
    const held: unknown = (device as unknown as Readonly<Record<string, unknown>>)[register.member];
    const problem = register.count === undefined ? singleProblem(register, held) : arrayProblem(register, held);
    if (problem === undefined) continue;
    throw new BackplaneError(
      'register-field-mismatch',
      `Class ${device.constructor.name}: field '${register.member}', a register, ${problem}`,
    );
  }
}

function singleProblem({ width, reset, atReset }: RegisterDeclaration, held: unknown): string | undefined {
  const type = width === 64 ? 'bigint' : 'number';
  if (typeof held !== type) return `holds ${describeHeld(held)} instead of a ${type}. Set it where it is declared.`;
  if (held === reset || atReset !== 'reset-value') return undefined;
  return (
    `starts as ${hex(held as number | bigint)}, but its reset value is ${hex(reset)}. Let both say the same, or declare it ` +
    "atReset: 'set-by-device'."
  );
}

const arrays = { 8: Uint8Array, 16: Uint16Array, 32: Uint32Array, 64: BigUint64Array } as const;

function arrayProblem({ width, count }: RegisterDeclaration, held: unknown): string | undefined {
  const Kind = arrays[width];
  if (held instanceof Kind && held.length === count) return undefined;
  const found = held instanceof Kind ? `${held.length} of them` : describeHeld(held);
  return `must be a new ${Kind.name}(${count}), but it is ${found}.`;
}

function describeHeld(held: unknown): string {
  if (held === undefined) return 'nothing';
  return typeof held === 'object' && held !== null ? `a ${held.constructor.name}` : `a ${typeof held}`;
}

/** Refuses two registers in one place, and one name for two. */
export function checkTogether(registers: readonly RegisterDeclaration[], fail: Fail): void {
  registers.forEach((b, index) => {
    for (const a of registers.slice(0, index)) {
      if (a.member === b.member) {
        throw fail(
          'register-name-taken',
          `field '${a.member}' holds two registers: ${describeRegister(a)} and ${describeRegister(b)}.`,
        );
      }
      if (a.name === b.name) {
        throw fail(
          'register-name-taken',
          `${describeRegister(b)} has the same name as ${describeRegister(a)}. Give one of them another.`,
        );
      }
      if (a.bank !== b.bank || !shareBytes(a, b) || isPair(a, b)) continue;
      const both = `${describeRegister(a)} and ${describeRegister(b)}`;
      if (isSamePlace(a, b)) {
        throw fail(
          'register-overlap',
          `${both} stand in one place. Move one of them; or, where the guest reads the one and writes the other, declare them ` +
            "'read-only' and 'write-only'.",
        );
      }
      if (!samePort(a, b)) throw fail('register-overlap', `${both} overlap. Move one of them.`);
      if (a.width !== b.width || a.indexedBy?.indexMember !== b.indexedBy?.indexMember) {
        throw fail(
          'data-port-mismatch',
          `${both} share a data port, but not their width and index register. ` +
            'Declare both from one indexedRegisters(...) with one width.',
        );
      }
      if (shareIndexes(a, b)) throw fail('register-overlap', `${both} overlap. Move one of them.`);
    }
  });
}

/** Refuses registers behind a data port that no value of their index register chooses. */
export function checkChoices(registers: readonly RegisterDeclaration[], fail: Fail): void {
  for (const register of registers) {
    const { indexedBy, count = 1, stride = 1 } = register;
    if (indexedBy === undefined) continue;
    const index = registers.find(({ member }) => member === indexedBy.indexMember) as RegisterDeclaration;
    const bits = Math.min(indexedBy.high, index.width - 1) - indexedBy.low + 1;
    const last = indexedBy.index + (count - 1) * stride;
    if (last < 2 ** bits) continue;
    throw fail(
      'register-index-out-of-reach',
      `${describeRegister(register)} is out of reach: its last index is ${hex(last)}, and the ${bits} bits of '${index.name}' ` +
        `that choose go to ${hex(2 ** bits - 1)}. Give them more bits, or move the register.`,
    );
  }
}

const samePort = (a: RegisterDeclaration, b: RegisterDeclaration): boolean =>
  a.indexedBy !== undefined && b.indexedBy !== undefined && a.offset === b.offset;

function shareBytes(a: RegisterDeclaration, b: RegisterDeclaration): boolean {
  if (a.offset >= b.offset + extent(b) || b.offset >= a.offset + extent(a)) return false;
  const [few, many] = (a.count ?? 1) <= (b.count ?? 1) ? [a, b] : [b, a];
  if (few.indexedBy !== undefined || many.indexedBy !== undefined) return true;
  return places(few).some((place) => {
    // The nearest registers of the other array, below and above the place.
    const near = (place - many.offset) / (many.stride ?? 1);
    return [Math.floor(near), Math.ceil(near)].some((index) => {
      const other = many.offset + Math.min(Math.max(index, 0), (many.count ?? 1) - 1) * (many.stride ?? 0);
      return place < other + many.width / 8 && other < place + few.width / 8;
    });
  });
}

function places({ offset, count = 1, stride = 0 }: RegisterDeclaration): number[] {
  return Array.from({ length: count }, (_, index) => offset + index * stride);
}

function shareIndexes(a: RegisterDeclaration, b: RegisterDeclaration): boolean {
  const indexes = ({ indexedBy, count = 1, stride = 1 }: RegisterDeclaration) =>
    Array.from({ length: count }, (_, index) => (indexedBy?.index ?? 0) + index * stride);
  const taken = new Set(indexes(a));
  return indexes(b).some((index) => taken.has(index));
}
