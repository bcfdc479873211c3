import { checkDialect } from '../base/decorated-member.ts';
import { definitionError, type Fail } from '../base/errors.ts';
import { unknownWord } from '../base/text.ts';
import { type StateDeclaration, stateOf } from '../state/schema.ts';
import {
  checkBus,
  checkCoalescedRange,
  checkCoalescedWriters,
  checkFlushPartners,
  checkIndependentRegions,
  checkInjections,
  checkNarrowAccesses,
  checkNotDeclaredTwice,
  checkOptionNames,
  checkReservedMembers,
  checkSynchronousHandlers,
  checkType,
} from './class-checks.ts';
import type {
  BusOfClass,
  ClassAttribute,
  ClassMetadata,
  CoalescedDeclaration,
  DeviceConstructor,
  DeviceDescription,
  Injection,
  RegionMetadata,
} from './class-metadata.ts';
import { assemblyOf, baseMetadataOf, baseRecorders, type ClassRecorder, refuseOtherCopies } from './class-recorder.ts';
import { noOptions } from './options/set.ts';
import { type HandlerRoute, IoRegionTemplate, type RegionTemplate } from './regions/region.ts';
import { routesOf } from './regions/routes.ts';
import type { RegisterDeclaration } from './registers/model.ts';

interface RegionDraft {
  handlers: readonly HandlerRoute[];
  coalesced: CoalescedDeclaration[];
  flush: boolean;
}

const descriptionWords = ['type', 'description', 'version', 'minimumVersion', 'retired'];

/**
 * Puts together what the class and its bases declare, checks it as a whole, and freezes it. A compiler of standard decorators
 * adds a `context`.
 */
export function completeClass(own: ClassRecorder, description: DeviceDescription, context?: unknown): ClassMetadata {
  checkDialect(context, '@device');
  own.refuseAfterDevice('@device');
  refuseOtherCopies(own.deviceClass);
  own.metadata = metadataFrom(own, description);
  return own.metadata;
}

function metadataFrom(own: ClassRecorder, description: DeviceDescription | undefined): ClassMetadata {
  const recorders = baseRecorders(own);
  const base = baseMetadataOf(own.deviceClass);
  const deviceClass = own.deviceClass as DeviceConstructor;
  const fail = definitionError(deviceClass.name);
  const prototype: { readonly guestError?: unknown } = deviceClass.prototype;
  const { plugsInto } = deviceClass as unknown as { readonly plugsInto?: BusOfClass };
  // Every device has it, whatever bus it is for.
  if (prototype.guestError === undefined) {
    throw fail('not-a-device', 'it is no device yet. Let it extend IsaDevice, PciDevice or SystemDevice.');
  }
  checkBus(plugsInto, fail);
  if (description === undefined)
    throw fail('missing-description', '@device takes { type, description }, and was given nothing.');
  const unknown = unknownWord(description, descriptionWords);
  if (unknown !== undefined) throw fail('unknown-word', `@device ${unknown}`);
  checkType(description.type, fail);

  for (const [attribute, declared] of recorders.flatMap((record) => [...record.attributes])) {
    attribute.completeClass(declared, deviceClass);
  }
  const drafts = new Map<RegionTemplate, RegionDraft>();
  for (const region of base?.regions ?? []) {
    const { handlers, coalesced, flushCoalescedIo } = region;
    drafts.set(region.template, { handlers, coalesced: [...coalesced], flush: flushCoalescedIo });
  }
  const assembly = assemblyOf(own.deviceClass);
  const registers = assembly?.completeRegisters(recorders, base?.registers ?? [], fail) ?? Object.freeze([]);
  checkReservedMembers(
    deviceClass,
    registers.map(({ member }) => member),
    fail,
  );
  for (const record of recorders) {
    checkSynchronousHandlers(record, fail);
    checkNarrowAccesses(record, fail);
    addRecord(drafts, record, fail);
  }
  for (const [template, { handlers }] of drafts) assembly?.checkReach(template, handlers, fail);
  const regions = [...drafts].map(([template, draft]) => freezeRegion(template, draft));
  checkIndependentRegions(regions, fail);
  checkCoalescedWriters(regions, fail);
  checkFlushPartners(regions, fail);

  checkInjections(own, fail);
  const injecting = recorders.findLast((record) => record.injections.size > 0);
  const injections = injecting === undefined ? (base?.injections ?? []) : injectionsOf(injecting);
  const options = injecting === undefined ? base?.options : injecting.options;
  checkOptionNames(options?.names ?? [], fail);
  const attributes = attributesOf(recorders, base);
  return Object.freeze({
    type: description.type,
    description: description.description,
    deviceClass,
    bus: plugsInto.kind,
    plugsInto,
    ...stateSchema(deviceClass, description, base, registers, fail),
    regions: Object.freeze(regions),
    registers,
    options: options ?? noOptions,
    injections: Object.freeze(injections),
    attribute: <T>(attribute: ClassAttribute<T>) => attributes.get(attribute) as T | undefined,
    attributes,
    region: (template: RegionTemplate) => regions.find((region) => region.template === template),
  });
}

function addRecord(drafts: Map<RegionTemplate, RegionDraft>, record: ClassRecorder, fail: Fail): void {
  const draftOf = (region: RegionTemplate): RegionDraft => {
    let draft = drafts.get(region);
    if (draft === undefined) {
      draft = { handlers: [], coalesced: [], flush: false };
      drafts.set(region, draft);
    }
    return draft;
  };
  for (const region of record.otherRegions) draftOf(region);
  const handled = new Set<IoRegionTemplate>([
    ...record.handlers.map(({ region }) => region),
    ...record.registers.map(({ definition }) => definition.bank).filter((bank) => bank instanceof IoRegionTemplate),
  ]);
  for (const region of handled) {
    const written = record.handlers.filter((one) => one.region === region).map((one) => one.declaration);
    const declarations = [...written, ...(record.assembly?.registerHandlers(record, region) ?? [])];
    const draft = draftOf(region);
    draft.handlers = routesOf(region, declarations, draft.handlers, fail);
  }
  for (const { region, declaration } of record.coalesced) {
    const { coalesced } = draftOf(region);
    checkCoalescedRange(region, declaration, fail);
    checkNotDeclaredTwice(region, declaration, coalesced, fail);
    coalesced.push(Object.freeze({ ...declaration }));
  }
  for (const region of record.flushing) {
    const draft = draftOf(region);
    if (draft.flush)
      throw fail('decorator-twice', `@flushCoalescedIo names region '${region.name}' twice. Keep one of them.`);
    draft.flush = true;
  }
}

/** The nearest class's declaration of each kind; of lists, those of all classes, base first. */
function attributesOf(
  recorders: readonly ClassRecorder[],
  base: ClassMetadata | undefined,
): Map<ClassAttribute<unknown>, unknown> {
  const attributes = new Map(base?.attributes);
  for (const [attribute, value] of recorders.flatMap((record) => [...record.attributes])) {
    const earlier = attribute.isList ? (attributes.get(attribute) ?? []) : undefined;
    attributes.set(attribute, earlier === undefined ? value : Object.freeze([...(earlier as []), ...(value as [])]));
  }
  return attributes;
}

function freezeRegion(template: RegionTemplate, { handlers, coalesced, flush }: RegionDraft): RegionMetadata {
  return Object.freeze({
    template,
    handlers: Object.freeze([...handlers]),
    coalesced: Object.freeze(coalesced),
    flushCoalescedIo: flush,
  });
}

function injectionsOf({ deviceClass, injections }: ClassRecorder): Injection[] {
  return [...injections]
    .map(([index, token]) => ({ index, token, optional: isOptional(deviceClass, index) }))
    .sort((a, b) => a.index - b.index);
}

/** Where inversify 8.2.3 keeps what its decorators say about a constructor; it has no function that answers it. */
const metadataKey = '@inversifyjs/core/classMetadataReflectKey';

/** Whether `@optional()` stands on a constructor parameter. */
function isOptional(deviceClass: object, index: number): boolean {
  const { getMetadata } = Reflect as { getMetadata?(key: string, target: object): unknown };
  const known = getMetadata?.(metadataKey, deviceClass) as
    | { readonly constructorArguments?: readonly ({ readonly optional?: unknown } | undefined)[] }
    | undefined;
  return known?.constructorArguments?.[index]?.optional === true;
}

type StateSchema = Pick<ClassMetadata, 'version' | 'minimumVersion' | 'retired' | 'state'>;

/** What the class says about its snapshots, checked; what it does not say is as in its base. A register's field is state without `@state`, unless it never changes. */
export function stateSchema(
  // biome-ignore lint/complexity/noBannedTypes: only its prototype chain matters
  deviceClass: Function,
  description: DeviceDescription,
  base: ClassMetadata | undefined,
  registers: readonly RegisterDeclaration[],
  fail: Fail,
): StateSchema {
  const { version = base?.version ?? 1, minimumVersion = base?.minimumVersion ?? 1 } = description;
  const retired = [...(base?.retired ?? []), ...(description.retired ?? [])];
  for (const [name, value] of Object.entries({ version, minimumVersion })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw fail('invalid-version', `@device has ${name}: ${value}. Versions are whole numbers from 1.`);
  }
  if (minimumVersion > version) {
    throw fail(
      'invalid-version',
      `@device has minimumVersion ${minimumVersion} above its version ${version}. Lower it, or raise version.`,
    );
  }
  const declared = stateOf(deviceClass);
  const members = new Set(declared.map(({ member }) => member));
  const ofRegisters = registers.filter(({ member }) => !members.has(member)).flatMap(registerState);
  const state = [...ofRegisters, ...declared];
  checkFields(state, version, retired, fail);
  return { version, minimumVersion, retired: Object.freeze(retired), state: Object.freeze(state) };
}

function checkFields(
  state: readonly StateDeclaration[],
  version: number,
  retired: readonly string[],
  fail: Fail,
): void {
  const names = new Map<string, StateDeclaration>();
  for (const declaration of state) {
    const { member, name, since } = declaration;
    if (since > version) {
      throw fail(
        'state-since-later-version',
        `@state field '${member}' was added in version ${since}, and @device is of version ${version}. Raise version to ${since}.`,
      );
    }
    const other = names.get(name);
    if (other !== undefined) {
      throw fail(
        'state-name-taken',
        `'${other.member}' and '${member}' are both called '${name}' in snapshots. Give one another name.`,
      );
    }
    if (retired.includes(name)) {
      throw fail('retired-state-present', `'${name}' is retired in @device and state at once. Keep one of them.`);
    }
    names.set(name, declaration);
  }
}

function registerState(register: RegisterDeclaration): StateDeclaration[] {
  const { kind, member, access, fields, atReset, since } = register;
  if (kind !== 'stored') return [];
  const modes = fields.length === 0 ? [access] : fields.map((field) => field.access);
  if (modes.every((mode) => mode === 'constant' || mode === 'reserved')) return [];
  const kept = atReset === 'kept' ? atReset : undefined;
  // The shape that it has in snapshots is made when one is made or read: `stateFields`.
  return [Object.freeze({ member, name: member, since, shape: undefined, subsection: undefined, atReset: kept })];
}
