import { BackplaneError, type Fail } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import type { HandlerDeclaration, HandlerRoute, IoRegionTemplate, RegionTemplate } from '../regions/region.ts';
import { checkFields, checkRegister, checkSpec } from './checks.ts';
import { checkChoices, checkDerivedSpec, checkDerivedWrites, checkHook, checkTogether } from './class-checks.ts';
import {
  answersReads,
  type FieldDeclaration,
  type IndexedPlace,
  type RegisterAccess,
  type RegisterDeclaration,
  takesWrites,
} from './model.ts';
import { describeBank, describeRegister } from './names.ts';
import {
  type DecoratedRegister,
  type HookDeclaration,
  type RegisterDefinition,
  type RegisterSpec,
  ReservedFieldSpec,
} from './spec.ts';

/** What a register brings along for the class that has it: @device calls it. */
export const registerAssembly = { completeRegisters, registerHandlers, checkReach } as const;

/** What the decorators of one class said about its registers. */
export interface RegisterRecord {
  readonly registers: readonly DecoratedRegister[];
  readonly registerHooks: readonly HookDeclaration[];
}

/** The registers of the class and its bases, checked and frozen, by bank and offset. `recorders` is base first. */
function completeRegisters(
  recorders: readonly RegisterRecord[],
  inherited: readonly RegisterDeclaration[],
  fail: Fail,
): readonly RegisterDeclaration[] {
  let all = inherited;
  for (const record of recorders) all = addHooks(addRegisters(all, record, fail), record.registerHooks, fail);
  const banks = [...new Set(all.map(({ bank }) => bank))];
  const order = (one: RegisterDeclaration): number => banks.indexOf(one.bank) * 2 ** 40 + one.offset;
  const sorted = [...all].sort((a, b) => order(a) - order(b) || (a.indexedBy?.index ?? 0) - (b.indexedBy?.index ?? 0));
  return Object.freeze(sorted);
}

function addRegisters(
  inherited: readonly RegisterDeclaration[],
  { registers }: RegisterRecord,
  fail: Fail,
): RegisterDeclaration[] {
  const memberOf = (definition: RegisterDefinition): string | undefined =>
    registers.find((own) => own.definition === definition)?.member ??
    registers.find((own) => isAt(own.definition, definition))?.member ??
    registerAtPlace(inherited, definition)?.member;
  const own = registers.map((register) => declarationOf(register, memberOf, fail));
  for (const register of own) {
    checkRegister(register, fail);
    checkFields(register, fail);
  }
  const kept = inherited.filter((old) => {
    const replacement = own.find(({ member }) => member === old.member);
    if (replacement === undefined) return true;
    const moved = replacement.bank !== old.bank || replacement.offset !== old.offset;
    if (moved || replacement.width !== old.width || replacement.indexedBy?.index !== old.indexedBy?.index) {
      throw fail(
        'register-redeclared',
        `${describeRegister(replacement)} declares anew what its base class has elsewhere: ${describeRegister(old)}.`,
      );
    }
    return false;
  });
  const all = [...kept, ...own];
  checkTogether(all, fail);
  checkChoices(all, fail);
  return all;
}

/** A register by its name alone, which no class holds in a field: what carries a bank declares some itself. */
export function declareRegister(definition: RegisterDefinition, name: string): RegisterDeclaration {
  const fail: Fail = (code, why) => new BackplaneError(code, `Bank '${definition.bank.name}': ${why}`);
  const register = declarationOf({ definition, member: name, kind: 'stored', hasSetter: false }, () => undefined, fail);
  checkRegister(register, fail);
  checkFields(register, fail);
  return register;
}

function declarationOf(
  { definition, member, kind, hasSetter }: DecoratedRegister,
  memberOf: (definition: RegisterDefinition) => string | undefined,
  fail: Fail,
): RegisterDeclaration {
  const { bank, offset, spec, indexed } = definition;
  const { width, count, reads } = spec;
  const name = spec.name ?? member;
  checkSpec(spec, `register '${name}'`, fail);
  if (kind === 'derived') checkDerivedSpec(spec, `register '${name}'`, hasSetter, fail);
  if (spec.fields !== undefined && spec.access !== undefined && spec.access !== 'trigger') {
    throw fail(
      'register-access-and-fields',
      `register '${name}' has an access and fields, which have their own. Leave one of them out.`,
    );
  }
  const indexMember = indexed && memberOf(indexed.by);
  if (indexed !== undefined && indexMember === undefined) {
    throw fail(
      'missing-index-register',
      `register '${name}' is chosen by an index register of ${describeBank(indexed.by.bank)} that the class does not have. ` +
        'Put it in front of the field that holds the index.',
    );
  }
  const fields = fieldsOf(spec);
  return Object.freeze({
    name,
    spec,
    kind,
    member,
    hasSetter,
    bank,
    offset,
    width,
    reset: spec.reset ?? (width === 64 ? 0n : 0),
    reads,
    atReset: spec.atReset ?? 'reset-value',
    since: spec.since ?? 1,
    narrow: spec.narrow ?? 'by-byte',
    access: spec.access ?? commonAccess(fields),
    description: spec.description,
    count,
    stride: count === undefined ? undefined : (spec.stride ?? (indexed === undefined ? width / 8 : 1)),
    indexedBy: indexed && placeOf(indexed, indexMember as string),
    fields,
    ...(kind === 'trigger' && { writeHook: member }),
    hasLocks: spec.access === 'write-once' || fields.some(({ access }) => access === 'write-once'),
  });
}

function placeOf({ index, field }: NonNullable<RegisterDefinition['indexed']>, indexMember: string): IndexedPlace {
  return Object.freeze({ indexMember, index, low: field?.low ?? 0, high: field?.high ?? 31 });
}

function fieldsOf({ fields = {}, access: whole }: RegisterSpec): readonly FieldDeclaration[] {
  const all = Object.entries(fields).flatMap(([name, spec]): FieldDeclaration[] => {
    // The fields of a trigger name what its method takes.
    const access = whole === 'trigger' && spec.access === 'read-write' ? whole : spec.access;
    if (spec instanceof ReservedFieldSpec) return spec.ranges.map(([low, high]) => ({ name, low, high, access }));
    const { low, high, values, description } = spec;
    const named = Object.keys(values).length > 0 ? { values } : {};
    return [{ name, low, high, access, ...named, description }];
  });
  return Object.freeze(all.sort((a, b) => a.low - b.low).map((field) => Object.freeze(field)));
}

/** What the bits with a meaning have in common, if they do. */
function commonAccess(fields: readonly FieldDeclaration[]): RegisterAccess {
  const kinds = new Set(fields.map(({ access }) => access).filter((access) => access !== 'reserved'));
  const [only = 'reserved'] = fields.length === 0 ? ['read-write' as const] : kinds;
  return kinds.size > 1 ? 'read-write' : only;
}

function addHooks(
  registers: readonly RegisterDeclaration[],
  hooks: readonly HookDeclaration[],
  fail: Fail,
): readonly RegisterDeclaration[] {
  hooks.forEach((hook, index) => {
    const twice = hooks.slice(0, index).find((one) => sameHook(one, hook));
    if (twice === undefined) return;
    const kind = hook.isWrite ? 'onWrite' : 'onRead';
    throw fail(
      'register-hook-twice',
      `'${twice.method}' and '${hook.method}' are both ${kind} of the same ${hook.field ?? 'register'}. Keep one.`,
    );
  });
  const homeless = hooks.find(({ definition }) => registerAtPlace(registers, definition) === undefined);
  if (homeless !== undefined) {
    const { bank, offset } = homeless.definition;
    throw fail(
      'register-hook-without-register',
      `hook '${homeless.method}' is for a register at ${hex(offset)} of ${describeBank(bank)} that the class ` +
        'does not have. Put the register in front of the field that holds it.',
    );
  }
  return registers.map((register) => {
    const own = hooks.filter(({ definition }) => registerAtPlace(registers, definition) === register);
    for (const { field, isWrite, method } of own) checkHook(register, field, isWrite, method, fail);
    const hooked = own.length === 0 ? register : withHooks(register, own);
    if (hooked.kind === 'derived' && !hooked.hasSetter) checkDerivedWrites(hooked, fail);
    return hooked;
  });
}

function withHooks(register: RegisterDeclaration, hooks: readonly HookDeclaration[]): RegisterDeclaration {
  const methods = (field: string | undefined) => {
    const of = (isWrite: boolean) => hooks.find((hook) => hook.field === field && hook.isWrite === isWrite)?.method;
    const [readHook, writeHook] = [of(false), of(true)];
    return { ...(readHook && { readHook }), ...(writeHook && { writeHook }) };
  };
  const fields = register.fields.map((field) => Object.freeze({ ...field, ...methods(field.name) }));
  return Object.freeze({ ...register, ...methods(undefined), fields: Object.freeze(fields) });
}

const sameHook = (a: HookDeclaration, b: HookDeclaration): boolean =>
  isAt(a.definition, b.definition) && a.field === b.field && a.isWrite === b.isWrite;

const isAt = (a: RegisterDefinition, b: RegisterDefinition): boolean =>
  a.bank === b.bank && a.offset === b.offset && a.indexed?.index === b.indexed?.index;

/** The register that was declared with this value; of a subclass that declared it anew, the one that stands there now. */
export function registerAtPlace(
  registers: readonly RegisterDeclaration[],
  { bank, offset, indexed, spec }: RegisterDefinition,
): RegisterDeclaration | undefined {
  const there = registers.filter(
    (one) => one.bank === bank && one.offset === offset && one.indexedBy?.index === indexed?.index,
  );
  return there.find((one) => one.spec === spec) ?? there[0];
}

/**
 * The handlers that one class's registers amount to. A direction without an effect has none, so that such an access
 * is reported. It has one if an access can go on in the next register.
 * Registers behind one data port share its handlers.
 */
function registerHandlers(record: RegisterRecord, region: IoRegionTemplate): HandlerDeclaration[] {
  const handlers: HandlerDeclaration[] = [];
  for (const { definition, member } of record.registers) {
    if (definition.bank !== region) continue;
    const { offset, spec, indexed } = definition;
    const accesses = accessesOf(spec);
    const bytes = spec.width / 8;
    const { count = 1, stride = bytes } = indexed === undefined ? spec : {};
    const isWide = spec.width === 64 && region.implements.max === 8;
    const runsOver =
      spec.narrow !== 'zero-extended' &&
      region.overrun !== 'dropped' &&
      (region.implements.unaligned ||
        Math.min(region.implements.max, 4) > bytes ||
        offset % bytes !== 0 ||
        stride % bytes !== 0);
    for (const isWrite of [false, true]) {
      const shared = handlers.some((one) => one.isWrite === isWrite && one.offset === offset);
      if (shared || !(runsOver || (isWrite ? takesWrites(accesses) : answersReads(accesses)))) continue;
      const common = {
        method: member,
        isWrite,
        form: isWide ? '64-bit' : 'plain',
        sizes: undefined,
        register: offset,
      } as const;
      const covered = spec.narrow === 'zero-extended' ? Math.min(region.accepts.min, region.implements.min) : bytes;
      if (stride === covered) handlers.push({ ...common, offset, length: count * bytes });
      else {
        for (let index = 0; index < count; index++) {
          handlers.push({ ...common, offset: offset + index * stride, length: covered });
        }
      }
    }
  }
  return handlers;
}

function accessesOf({ access = 'read-write', fields, reads }: RegisterSpec): RegisterAccess[] {
  if (access === 'trigger') return reads === undefined ? [access] : [access, 'constant'];
  return fields === undefined ? [access] : Object.values(fields).map((field) => field.access);
}

/**
 * A wide access takes several narrow registers at once, each by its own declaration; it cannot take a hand-written handler
 * along. Refuses a region where that could happen.
 */
function checkReach(region: RegionTemplate, routes: readonly HandlerRoute[], fail: Fail): void {
  if (!routes.some(({ register }) => register !== undefined)) return;
  const { min, max, unaligned } = (region as IoRegionTemplate).implements;
  const sizes = [1, 2, 4].filter((size) => size >= min && size <= max);
  for (const route of routes) {
    if (route.register === undefined) continue;
    const end = route.offset + route.length;
    // Where the furthest access ends that begins in the register.
    const starts = sizes.map((size) => (unaligned ? end - 1 : end - 1 - ((end - 1) % size)));
    const reach = Math.max(
      ...starts.map((start, index) => (start < route.offset ? 0 : start + (sizes[index] as number))),
    );
    const other = routes.find(
      (one) => one.register === undefined && one.isWrite === route.isWrite && meets(one, end, reach),
    );
    if (other === undefined) continue;
    throw fail(
      'register-access-reaches-handler',
      `an access of up to ${sizes.at(-1)} bytes to register '${route.method}' of region '${region.name}' can run into what ` +
        `handler '${other.method}' answers for. Let the region implement ${describeBytes(route.length)}, or make it a register.`,
    );
  }
}

const meets = ({ offset, length }: HandlerRoute, start: number, end: number): boolean =>
  offset < end && offset + length > start && start < end;
const describeBytes = (bytes: number): string => (bytes === 1 ? 'single bytes only' : `at most ${bytes} bytes`);
