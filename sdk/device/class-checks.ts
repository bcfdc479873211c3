import type { Fail } from '../base/errors.ts';
import { camelCase } from '../base/text.ts';
import { type CoalescedRange, describeRange } from '../memory/index.ts';
import { stateOf } from '../state/schema.ts';
import type { BusOfClass, CoalescedDeclaration, RegionMetadata } from './class-metadata.ts';
import type { ClassRecorder } from './class-recorder.ts';
import { IoRegionTemplate, type RegionTemplate } from './regions/region.ts';

export function checkCoalescedRange(region: RegionTemplate, { offset, size }: CoalescedRange, fail: Fail): void {
  const range = `@addCoalescedIo(${region.name}, { offset: ${offset}, size: ${size} })`;
  if (!(region instanceof IoRegionTemplate)) {
    const why =
      region.kind === 'container'
        ? 'a container, which has no writes of its own. Name the region inside it.'
        : 'memory, whose writes reach no handler. Leave the range out, or use mmioRegion.';
    throw fail('no-handlers', `${range}: '${region.name}' is ${why}`);
  }
  if (size === 0)
    throw fail('empty-range', `${range} covers nothing. Give it the number of bytes whose writes may wait.`);
  if (!Number.isInteger(offset) || !Number.isInteger(size) || size < 0) {
    throw fail('empty-range', `${range} is not a range of bytes. Give it whole numbers, size above 0.`);
  }
  if (offset < 0 || offset + size > region.size) {
    throw fail(
      'range-outside-region',
      `${range} reaches outside region '${region.name}', ` +
        `${region.size === 1 ? 'whose only offset is' : 'whose offsets are'} ${describeRange(0, region.size)}. ` +
        'Offsets count from the start of the region, not from its address: move or shorten the range.',
    );
  }
}

export function checkNotDeclaredTwice(
  region: RegionTemplate,
  range: CoalescedRange,
  earlier: readonly CoalescedRange[],
  fail: Fail,
): void {
  const twice = earlier.find((one) => one.offset < range.offset + range.size && range.offset < one.offset + one.size);
  if (twice === undefined) return;
  throw fail(
    'coalesced-twice',
    `@addCoalescedIo(${region.name}) declares ${describeRange(range.offset, range.size)} although ${describeRange(twice.offset, twice.size)} of it is declared ` +
      'already, here or in a base class. Keep one of them.',
  );
}

/**
 * A read must not miss a queued write. Every other region of the class that can be read delivers the queue first, or is
 * declared to answer independently of it. A coalesced region flushes itself.
 */
export function checkFlushPartners(regions: readonly RegionMetadata[], fail: Fail): void {
  for (const { template, coalesced } of regions) {
    for (const declaration of coalesced) {
      for (const other of regions) {
        if (other.template === template || protectedFrom(other, declaration)) continue;
        throw fail(
          'missing-flush',
          `writes to '${template.name}' are coalesced, but reads of '${other.template.name}' would not see those still ` +
            `queued. Write '@flushCoalescedIo(${variableOf(other)})' above the class, or, if its reads do not depend on them, ` +
            `'@addCoalescedIo(${variableOf({ template })}, ${formatDeclaration(declaration, variableOf(other))})'.`,
        );
      }
    }
  }
}

/** A range that no write reaches, whatever its width, is another one than the author meant. */
export function checkCoalescedWriters(regions: readonly RegionMetadata[], fail: Fail): void {
  for (const { template, coalesced, handlers } of regions) {
    const writers = handlers.filter(({ isWrite }) => isWrite);
    const unwritten = coalesced.find(
      ({ offset, size }) => !writers.some((one) => one.offset < offset + size && offset < one.offset + one.length),
    );
    if (unwritten === undefined) continue;
    const where = writers.map(({ offset, length }) => describeRange(offset, Math.min(length, template.size)));
    throw fail(
      'coalesced-range-not-written',
      `writes to ${describeRange(unwritten.offset, unwritten.size)} of '${template.name}' are coalesced, but nothing takes writes there` +
        `${where.length === 0 ? '' : `, only at ${where.join(', ')}`}. Move the range, or give it a handler or a register.`,
    );
  }
}

/** What the author most likely calls a region that is named so. */
const variableOf = ({ template }: Pick<RegionMetadata, 'template'>): string => camelCase(template.name);

function formatDeclaration({ offset, size, independent = [] }: CoalescedDeclaration, more: string): string {
  const names = [...independent.map((template) => variableOf({ template })), more];
  return `{ offset: ${offset}, size: ${size}, independent: [${names.join(', ')}] }`;
}

function protectedFrom(other: RegionMetadata, declaration: CoalescedDeclaration): boolean {
  const readable = other.handlers.some((handler) => !handler.isWrite);
  const flushes = other.flushCoalescedIo || other.coalesced.length > 0;
  return !readable || flushes || (declaration.independent ?? []).includes(other.template);
}

/** A region named as independent that the class does not have is another one than the author meant. */
export function checkIndependentRegions(regions: readonly RegionMetadata[], fail: Fail): void {
  const own = new Set(regions.map(({ template }) => template));
  for (const { template, coalesced } of regions) {
    const stranger = coalesced.flatMap(({ independent = [] }) => independent).find((region) => !own.has(region));
    if (stranger === undefined) continue;
    throw fail(
      'independent-region-unknown',
      `@addCoalescedIo(${template.name}) says that region '${stranger.name}' is independent, but the class does not have ` +
        'that region. Name one of its own, or leave it out.',
    );
  }
}

/** A machine makes the device, so it must know what every parameter of the constructor takes. */
export function checkInjections({ deviceClass, injections }: ClassRecorder, fail: Fail): void {
  for (let index = 0; index < deviceClass.length; index++) {
    if (injections.has(index)) continue;
    throw fail(
      'parameter-not-injected',
      `constructor parameter ${index + 1} is neither @inject(Service) nor @options(declared), so no machine can fill it. ` +
        'Say which, or give it a default value.',
    );
  }
}

/** A device without a bus could not be plugged in anywhere. */
export function checkBus(plugsInto: BusOfClass | undefined, fail: Fail): asserts plugsInto is BusOfClass {
  if (typeof plugsInto?.kind === 'string' && plugsInto.kind !== '') return;
  const why =
    plugsInto === undefined
      ? "it plugs into no bus. Let it extend IsaDevice, PciDevice, SystemDevice or another bus's device class"
      : 'the class of its bus has no kind. Give that class one: static readonly kind';
  throw fail('device-without-bus', `${why}.`);
}

/** The command line finds the device by its type, and a machine names it so until it is given an id. */
export function checkType(type: unknown, fail: Fail): void {
  if (type === undefined || type === '')
    throw fail('invalid-device-type', `@device needs a type: the name that '-device' takes.`);
  if (typeof type === 'string' && /^[A-Za-z][A-Za-z0-9._-]*$/.test(type)) return;
  throw fail(
    'invalid-device-type',
    `the type '${String(type)}' cannot be written after '-device'. Use letters, digits, '-', '_' and '.', a letter first.`,
  );
}

/** What '-device' says of every device, before its own options. */
const placingWords = ['driver', 'id', 'bus', 'addr'];

export function checkOptionNames(names: readonly string[], fail: Fail): void {
  const taken = names.find((name) => placingWords.includes(name));
  if (taken === undefined) return;
  throw fail(
    'reserved-option-name',
    `an option cannot be called '${taken}': '-device' says so where the device is. Give it another name.`,
  );
}

/** What comes before `function`, by the constructor that each kind of function has. */
const kinds: ReadonlyMap<string, string> = new Map([
  ['AsyncFunction', 'async'],
  ['GeneratorFunction', 'a generator'],
  ['AsyncGeneratorFunction', 'an async generator'],
]);

/** A guest waits for its answer: a promise of one would be no number, and what it does later would come too late. */
export function checkSynchronousHandlers(record: ClassRecorder, fail: Fail): void {
  const members = record.deviceClass.prototype as Readonly<Record<string, unknown>>;
  const handlers = record.handlers.map(({ declaration }) => ['handler', declaration.method] as const);
  const hooks = record.registerHooks.map(({ method }) => ['register hook', method] as const);
  for (const [what, method] of [...handlers, ...hooks]) {
    const body = members[method];
    const kind = typeof body === 'function' ? kinds.get(body.constructor.name) : undefined;
    if (kind === undefined) continue;
    throw fail(
      'asynchronous-handler',
      `${what} '${method}' is ${kind}, and a guest does not wait for promises. Answer at once; for later, declare a timer: ` +
        `clock.timer('${method}', () => ...).`,
    );
  }
}

/**
 * A write narrower than what a region implements reaches its handler as a whole word. Bytes that the guest did not write are zero
 * there, so the handler must take the parameter that says which were written. Reads are answered from the whole word.
 */
export function checkNarrowAccesses(record: ClassRecorder, fail: Fail): void {
  const members = record.deviceClass.prototype as Readonly<Record<string, unknown>>;
  for (const { region, declaration } of record.handlers) {
    const { accepts, implements: implemented, name } = region;
    if (accepts.min >= implemented.min) continue;
    const { method, isWrite, form } = declaration;
    const body = members[method];
    const parameters = form === 'attributes' ? 'value, offset, size, attributes, lanes' : 'value, offset, size, lanes';
    if (!isWrite || (typeof body === 'function' && body.length === parameters.split(', ').length)) continue;
    throw fail(
      'narrow-access-unsupported',
      `handler '${method}' of region '${name}': the region accepts ${describeBytes(accepts.min)} but implements ` +
        `${describeBytes(implemented.min)}, so a narrow write arrives with zeros for the bytes that the guest did not write. ` +
        `Write ${method}(${parameters}) and change only the bits in lanes, or let the region accept no less than it implements, ` +
        `accepts: { min: ${implemented.min} }.`,
    );
  }
}

const describeBytes = (size: number): string => (size === 1 ? 'single bytes' : `${size} bytes`);

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

/** Whether a field with `@state` is one of a base class that reserves members: no author of a device wrote it. */
export function isStateOfBase(device: object, member: string): boolean {
  return [...reserved.keys()].some(
    (base) => device instanceof base && stateOf(base).some((one) => one.member === member),
  );
}

/** While a class is defined: its methods and accessors, and the fields that decorators name. */
export function checkReservedMembers(deviceClass: BaseClass, registers: readonly string[], fail: Fail): void {
  const state = stateOf(deviceClass);
  for (const [base, member, meaning] of membersOf(deviceClass.prototype)) {
    const isState = state.some((field) => field.member === member && !stateOf(base).includes(field));
    if (isState || registers.includes(member) || isRedefined(deviceClass.prototype, base.prototype, member)) {
      throw fail('reserved-member', refusal(base, member, meaning));
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
    throw fail('reserved-member', refusal(base, member, meaning));
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
