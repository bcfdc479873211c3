import { hex } from '../base/text.ts';
import { BackplaneError } from '../memory/index.ts';
import type { CoalescedDeclaration, DeviceRecord, OffsetRange, RegionBlueprint } from './blueprint.ts';
import type { RegionTemplate } from './region-template.ts';

export type Fail = (why: string) => BackplaneError;

/** Every refusal at definition names the class first. */
export function definitionError(className: string): Fail {
  return (why) => new BackplaneError(`Class ${className}: ${why}`);
}

/** `0x0 to 0x3`: bytes of a region, both ends included. */
export function formatRange({ offset, size }: OffsetRange): string {
  return size === 1 ? hex(offset) : `${hex(offset)} to ${hex(offset + size - 1)}`;
}

export function checkCoalescedRange(region: RegionTemplate, { offset, size }: OffsetRange, fail: Fail): void {
  const range = `@addCoalescedIo(${region.name}, { offset: ${offset}, size: ${size} })`;
  if (region.kind === 'container') {
    throw fail(`${range}: '${region.name}' is a container, which has no writes of its own. Name the region inside it.`);
  }
  if (size === 0) throw fail(`${range} covers nothing. Give it the number of bytes whose writes may wait.`);
  if (!Number.isInteger(offset) || !Number.isInteger(size) || size < 0) {
    throw fail(`${range} is not a range of bytes. Give it whole numbers, size above 0.`);
  }
  if (offset < 0 || offset + size > region.size) {
    throw fail(
      `${range} reaches outside region '${region.name}', ` +
        `${region.size === 1 ? 'whose only offset is' : 'whose offsets are'} ${formatRange({ offset: 0, size: region.size })}. ` +
        'Offsets count from the start of the region, not from its address: move or shorten the range.',
    );
  }
}

export function checkNotDeclaredTwice(
  region: RegionTemplate,
  range: OffsetRange,
  earlier: readonly OffsetRange[],
  fail: Fail,
): void {
  const twice = earlier.find((one) => one.offset < range.offset + range.size && range.offset < one.offset + one.size);
  if (twice === undefined) return;
  throw fail(
    `@addCoalescedIo(${region.name}) declares ${formatRange(range)} although ${formatRange(twice)} of it is declared ` +
      'already, here or in a base class. Keep one of them.',
  );
}

/**
 * A write that waits must not be missed by a read: every other region of the class that can be read delivers the queue
 * first, or is declared to answer independently of it. (A coalesced region flushes itself.)
 */
export function checkFlushPartners(regions: readonly RegionBlueprint[], fail: Fail): void {
  for (const { template, coalesced } of regions) {
    for (const declaration of coalesced) {
      for (const other of regions) {
        if (other.template === template || protectedFrom(other, declaration)) continue;
        throw fail(
          `writes to '${template.name}' are coalesced, but reads of '${other.template.name}' would not see those still ` +
            `queued. Write '@flushCoalescedIo(${variableOf(other)})' above the class, or, if its reads do not depend on them, ` +
            `'@addCoalescedIo(${variableOf({ template })}, ${formatDeclaration(declaration, variableOf(other))})'.`,
        );
      }
    }
  }
}

/** A range that no write reaches, whatever its width, is another one than the author meant. */
export function checkCoalescedWriters(regions: readonly RegionBlueprint[], fail: Fail): void {
  for (const { template, coalesced, handlers } of regions) {
    const writers = handlers.filter(({ isWrite }) => isWrite);
    const unwritten = coalesced.find(
      ({ offset, size }) => !writers.some((one) => one.offset < offset + size && offset < one.offset + one.length),
    );
    if (unwritten === undefined) continue;
    const where = writers.map(({ offset, length }) => formatRange({ offset, size: Math.min(length, template.size) }));
    throw fail(
      `writes to ${formatRange(unwritten)} of '${template.name}' are coalesced, but nothing takes writes there` +
        `${where.length === 0 ? '' : `, only at ${where.join(', ')}`}. Move the range, or give it a handler or a register.`,
    );
  }
}

/** What the author most likely calls a region that is named so. */
const variableOf = ({ template }: Pick<RegionBlueprint, 'template'>): string =>
  template.name.replaceAll(/[^a-zA-Z0-9]+(.)/g, (_, letter: string) => letter.toUpperCase());

function formatDeclaration({ offset, size, independent = [] }: CoalescedDeclaration, more: string): string {
  const names = [...independent.map((template) => variableOf({ template })), more];
  return `{ offset: ${offset}, size: ${size}, independent: [${names.join(', ')}] }`;
}

function protectedFrom(other: RegionBlueprint, declaration: CoalescedDeclaration): boolean {
  const readable = other.handlers.some((handler) => !handler.isWrite);
  const flushes = other.flushCoalescedIo || other.coalesced.length > 0;
  return !readable || flushes || (declaration.independent ?? []).includes(other.template);
}

/** A region named as independent that the class does not have is another one than the author meant. */
export function checkIndependentRegions(regions: readonly RegionBlueprint[], fail: Fail): void {
  const own = new Set(regions.map(({ template }) => template));
  for (const { template, coalesced } of regions) {
    const stranger = coalesced.flatMap(({ independent = [] }) => independent).find((region) => !own.has(region));
    if (stranger === undefined) continue;
    throw fail(
      `@addCoalescedIo(${template.name}) says that region '${stranger.name}' is independent, but the class does not have ` +
        'that region. Name one of its own, or leave it out.',
    );
  }
}

/** A machine makes the device, so it must know what every parameter of the constructor takes. */
export function checkInjections({ deviceClass, injections }: DeviceRecord, fail: Fail): void {
  for (let index = 0; index < deviceClass.length; index++) {
    if (injections.has(index)) continue;
    throw fail(
      `constructor parameter ${index + 1} is neither @inject(Service) nor @options(declared), so no machine can fill it. ` +
        'Say which, or give it a default value.',
    );
  }
}

/** The command line finds the device by its type, and a machine names it so until it is given an id. */
export function checkType(type: unknown, fail: Fail): void {
  if (type === undefined || type === '') throw fail(`@device needs a type: the name that '-device' takes.`);
  if (typeof type === 'string' && /^[A-Za-z][A-Za-z0-9._-]*$/.test(type)) return;
  throw fail(
    `the type '${String(type)}' cannot be written after '-device'. Use letters, digits, '-', '_' and '.', a letter first.`,
  );
}

/** What '-device' says of every device, before its own options. */
const placingWords = ['driver', 'id', 'bus', 'addr'];

export function checkOptionNames(names: readonly string[], fail: Fail): void {
  const taken = names.find((name) => placingWords.includes(name));
  if (taken === undefined) return;
  throw fail(`an option cannot be called '${taken}': '-device' says so where the device is. Give it another name.`);
}
