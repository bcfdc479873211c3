import type { Fail } from './blueprint-checks.ts';
import { stateOf } from './state.ts';

type Members = Readonly<Record<string, string>>;
// biome-ignore lint/complexity/noBannedTypes: a class that cannot be constructed, known by its prototype
type BaseClass = Function;

/** By base class: the members that it needs as they are, and what each is. */
const reserved = new Map<BaseClass, Members>();
/** What the base's own constructor put there. */
const originals = new WeakMap<object, Map<string, unknown>>();

/**
 * Names the members of a base class that no device may have another of. Type checking refuses most of them; a plugin is not
 * type-checked, and a register named `id` would otherwise hide the device's own without a word.
 */
export function reserveMembers(base: BaseClass, members: Members): void {
  reserved.set(base, members);
}

/** While a class is defined: its methods and accessors, and the fields that decorators name. */
export function checkReservedMembers(deviceClass: BaseClass, registers: readonly string[], fail: Fail): void {
  const state = stateOf(deviceClass);
  for (const [base, member, meaning] of membersOf(deviceClass.prototype)) {
    const isState = state.some((field) => field.member === member && !stateOf(base).includes(field));
    if (isState || registers.includes(member) || isRedefined(deviceClass.prototype, base.prototype, member)) {
      throw fail(refusal(base, member, meaning));
    }
  }
}

/** At the end of a base's constructor: its own fields are as it wants them. */
export function rememberReserved(device: object, base: BaseClass): void {
  const own = originals.get(device) ?? new Map<string, unknown>();
  for (const member of Object.keys(reserved.get(base) ?? {})) {
    if (Object.hasOwn(device, member)) own.set(member, Reflect.get(device, member));
  }
  originals.set(device, own);
}

/** Once a device is constructed: fields that no decorator names, and parameters that are fields. */
export function checkReservedFields(device: object, fail: Fail): void {
  const own = originals.get(device);
  for (const [base, member, meaning] of membersOf(device)) {
    if (!Object.hasOwn(device, member)) continue;
    if (own?.has(member) && own.get(member) === Reflect.get(device, member)) continue;
    throw fail(refusal(base, member, meaning));
  }
}

function* membersOf(object: object): Generator<[base: BaseClass, member: string, meaning: string]> {
  for (const [base, members] of reserved) {
    if (!(object instanceof base)) continue;
    for (const [member, meaning] of Object.entries(members)) yield [base, member, meaning];
  }
}

function isRedefined(prototype: object, base: object, member: string): boolean {
  for (let at: object | null = prototype; at !== null && at !== base; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, member) && !reserved.has(at.constructor)) return true;
  }
  return false;
}

const refusal = (base: BaseClass, member: string, meaning: string): string =>
  `its member '${member}' takes the place of what ${base.name} has by that name: ${meaning}. Rename it.`;
