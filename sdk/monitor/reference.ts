import { counted, hex, joined, printable, sentence } from '../base/text.ts';
import {
  type ClassMetadata,
  commandLineName,
  type DeviceInstance,
  type DocumentTable,
  HandledRegion,
  type HandlerRoute,
  inputsOfClass,
  livesIn,
  type OptionSet,
  placesByAttribute,
  RamRegion,
  type RegionMetadata,
  type RegionTemplate,
  type RegisterBank,
  type RegisterDeclaration,
  subDevicesOf,
} from '../device/index.ts';
import { describeRange } from '../memory/index.ts';
import { factsOfInput, pinTable } from './pin-table.ts';
import { code, overview, registerSection, table, words } from './register-tables.ts';

/** Facts that a declaration does not have, taken from a device on a bench. */
export interface ObservedDevice {
  /** Its interrupt pins. */
  readonly pins?: readonly string[];
  /** Interrupt lines that it receives: 'ISA IRQ 3'. */
  readonly inputs?: readonly string[];
  /** The devices inside it. */
  readonly subDevices?: readonly ObservedSubDevice[];
}

/** A device inside another one. */
export interface ObservedSubDevice {
  /** `channels[1]`, from the device that is documented. */
  readonly name: string;
  readonly metadata: ClassMetadata;
  /** Where its regions are: `from 0x20 of 'block'`; undefined where code maps them. */
  readonly place: string | undefined;
}

/** The devices inside a device, and inside those. */
export function observeSubDevices(device: DeviceInstance, outer = ''): readonly ObservedSubDevice[] {
  return subDevicesOf(device).flatMap(({ name: own, device: inner, place }) => {
    const name = `${outer}${own}`;
    const from = place === undefined ? undefined : `from ${hex(place.offset ?? 0)} of ${code(place.inside.name)}`;
    return [{ name, metadata: inner.metadata, place: from }, ...observeSubDevices(inner, `${name}.`)];
  });
}

/**
 * The register reference of a device as Markdown, from its declaration: options, pins, regions, registers and their fields.
 * Handlers without a register are listed by the names of their methods.
 */
export function registerDocument(metadata: ClassMetadata, observed: ObservedDevice = {}): string {
  const { type, description, bus, options, regions, registers } = metadata;
  const documents = [...metadata.attributes].map(([attribute, declared]) => attribute.document(declared)).reverse();
  const places = placesByAttribute(metadata);
  const sections = [
    `# ${type}`,
    [`${sentence(printable(description))} Bus: ${bus}.`, ...needs(metadata)].join(' '),
    ...optionSection(options),
    ...documents.flatMap(({ tables = [] }) => tables.flatMap(section)),
    ...section(
      pinTable(observed, inputsOfClass(metadata), options, Object.assign({}, ...documents.map(({ pins }) => pins))),
    ),
    ...inOrder(regions, places).flatMap((region) => regionSection(region, registers, places.get(region.template))),
    ...carriedBanks(registers).flatMap((bank) => bankSection(bank, registers)),
  ];
  sections.push(...subDeviceSections(observed.subDevices ?? []));
  if (regions.length === 0 && registers.length === 0) sections.push('It has no regions of its own.');
  return `${sections.join('\n\n')}\n`;
}

/** What is inside, and the regions of each class once. */
function subDeviceSections(inside: readonly ObservedSubDevice[]): string[] {
  const rows = inside.map(({ name, metadata, place }) => [
    code(name),
    code(metadata.type),
    metadata.description,
    place ?? 'where its device maps it',
  ]);
  const classes = [...new Map(inside.map(({ metadata }) => [metadata.type, metadata])).values()];
  return [
    ...section({ heading: 'Sub-devices', columns: ['name', 'type', 'what it is', 'regions'], rows }),
    ...classes.flatMap(({ regions, registers }) =>
      regions.flatMap((region) => regionSection(region, registers, 'in a sub-device')),
    ),
  ];
}

/** The same facts as data: 64-bit values as hexadecimal text, regions by their names. */
export function registerFacts(metadata: ClassMetadata, { pins = [], inputs = [] }: ObservedDevice = {}): object {
  const { type, description, bus, options, regions, registers } = metadata;
  const plain = (value: number | bigint) => (typeof value === 'bigint' ? hex(value) : value);
  return {
    type,
    description,
    bus,
    options: Object.entries(options.declarations).map(([name, option]) => ({
      name: commandLineName(name),
      type: option.kind,
      takes: option.expected,
      ...(option.default === undefined ? {} : { default: option.format(option.default) }),
      description: option.description,
    })),
    pins,
    inputs: [...inputsOfClass(metadata).map(factsOfInput), ...inputs],
    regions: regions.map(({ template: { name, kind, size, base }, handlers, coalesced, flushCoalescedIo }) => ({
      ...{ name, kind, size, base, flushCoalescedIo },
      coalesced: coalesced.map(({ offset, size: bytes }) => ({ offset, size: bytes })),
      handlers: handlers
        .filter(({ register }) => register === undefined)
        .map(({ method, isWrite, offset, length, sizes }) => ({
          ...{ method, direction: isWrite ? 'write' : 'read', offset, sizes },
          length: length === Number.POSITIVE_INFINITY ? null : length,
        })),
    })),
    registers: registers.map(({ spec: _written, bank, hasSetter: _set, reads, ...register }) => ({
      ...register,
      region: bank.name,
      reset: plain(register.reset),
      ...(reads === undefined ? {} : { reads: plain(reads) }),
    })),
  };
}

/** As declared; BARs by their numbers. */
function inOrder(regions: readonly RegionMetadata[], places: ReadonlyMap<RegionTemplate, string>): RegionMetadata[] {
  const placeOfRegion = ({ template }: RegionMetadata) => places.get(template) ?? '';
  return [...regions].sort((a, b) => placeOfRegion(a).localeCompare(placeOfRegion(b)));
}

function needs({ injections }: ClassMetadata): string[] {
  const names = injections.flatMap(({ token, optional }) =>
    token === undefined ? [] : [`${code(token.name)}${optional ? ' (optional)' : ''}`],
  );
  return names.length === 0 ? [] : [`It asks the machine for ${names.join(', ')}.`];
}

function optionSection({ declarations }: OptionSet): string[] {
  const rows = Object.entries(declarations).map(([name, option]) => [
    code(commandLineName(name)),
    option.expected,
    option.default === undefined ? '' : code(option.format(option.default)),
    option.description,
  ]);
  return section({ heading: 'Options', columns: ['option', 'takes', 'default', 'what it does'], rows });
}

function regionSection(
  region: RegionMetadata,
  all: readonly RegisterDeclaration[],
  place: string | undefined,
): string[] {
  const { template, coalesced, flushCoalescedIo } = region;
  const registers = all.filter((register) => livesIn(register, template));
  const notes = [
    ...coalesced.map(
      (range) => `Writes to ${describeRange(range.offset, range.size)} are coalesced: they may wait in the ring.`,
    ),
    ...(flushCoalescedIo || coalesced.length > 0 ? ['An access delivers coalesced writes first.'] : []),
    ...answersWhereNothingIs(region),
  ];
  return [
    `## Region ${code(template.name)}`,
    [placeOf(template, place), ...notes].join(' '),
    ...overview(registers),
    ...handlerTable(region),
    ...registers.flatMap(registerSection),
  ];
}

/** Banks that are no regions, in the order of their registers. */
const carriedBanks = (registers: readonly RegisterDeclaration[]): readonly RegisterBank[] => [
  ...new Set(registers.map(({ bank }) => bank).filter(({ kind }) => kind === 'carried')),
];

function bankSection(bank: RegisterBank, all: readonly RegisterDeclaration[]): string[] {
  const registers = all.filter((register) => register.bank === bank);
  const { name, size, endianness, mirrored } = bank;
  const order = endianness === 'big' ? ', big endian' : '';
  const repeats = mirrored ? ' Its registers repeat past its end.' : '';
  return [
    `## Registers of ${code(name)}`,
    `${counted(size, 'byte')}; accesses of ${widthsOf(bank)}${order}.${repeats}`,
    ...overview(registers),
    ...registers.flatMap(registerSection),
  ];
}

function widthsOf({ accepts: { min, max } }: RegisterBank): string {
  const widths = [1, 2, 4, 8].filter((width) => width >= min && width <= max);
  return `${joined(widths, 'or')} ${max === 1 ? 'byte' : 'bytes'}`;
}

function placeOf(template: RegionTemplate, place: string | undefined): string {
  const { kind, size, base } = template;
  const units = {
    ports: ['port'],
    memory: ['byte of memory', 'bytes of memory'],
    container: ['byte for other regions', 'bytes for other regions'],
    ram: ['byte of RAM', 'bytes of RAM'],
    rom: ['byte of ROM', 'bytes of ROM'],
  };
  const [one = '', many] = units[kind];
  const where = base === undefined ? (place === undefined ? '' : `, ${place}`) : ` at ${hex(base)}`;
  const extent = `${size > 4096 ? `${hex(size)} ${many ?? `${one}s`}` : counted(size, one, many)}${where}`;
  if (template instanceof RamRegion && template.image !== undefined)
    return `${extent}, with an image of ${counted(template.image.length, 'byte')}.`;
  if (!(template instanceof HandledRegion)) return `${extent}.`;
  const { max, unaligned } = template.accepts;
  const handled =
    template.implements.max < max ? `, handled ${counted(template.implements.max, 'byte')} at a time` : '';
  const order = template.endianness === 'big' ? ', big endian' : '';
  const repeats = template.mirrored ? ' Its registers repeat past its end.' : '';
  return `${extent}; accesses of ${widthsOf(template)}${unaligned ? ', unaligned too' : ''}${handled}${order}.${repeats}`;
}

/** The handlers without a register. The names of their methods say what they do. */
export function handlerTable({ handlers }: RegionMetadata): string[] {
  const byHand = handlers.filter(({ register }) => register === undefined);
  const isAlone = byHand.length === handlers.length;
  const rows = [...byHand]
    .sort((a, b) => rank(a) - rank(b) || Number(a.isWrite) - Number(b.isWrite))
    .map(({ offset, length, isWrite, sizes, method }) => [
      bytesOf(offset, length, isAlone && byHand.every((other) => rank(other) === Number.POSITIVE_INFINITY)),
      isWrite ? 'write' : 'read',
      sizes.join(', '),
      words(method),
    ]);
  return rows.length === 0 ? [] : ['Handled by code:', table(['offset', 'direction', 'bytes', 'what happens'], rows)];
}

/** A handler without an offset comes last: it takes the accesses that no other handler takes. */
const rank = ({ offset, length }: HandlerRoute): number =>
  offset === 0 && length === Number.POSITIVE_INFINITY ? length : offset;

function bytesOf(offset: number, length: number, isAlone: boolean): string {
  if (length !== Number.POSITIVE_INFINITY) return describeRange(offset, length);
  if (offset === 0) return isAlone ? 'everywhere' : 'everywhere else';
  return `from ${hex(offset)} on`;
}

/** A sentence on the bytes that have no handler, if there are any. */
export function answersWhereNothingIs({ template, handlers }: RegionMetadata): string[] {
  if (!(template instanceof HandledRegion)) return [];
  const isOpen = (isWrite: boolean) =>
    leavesBytes(
      handlers.filter((one) => one.isWrite === isWrite),
      template.size,
    );
  const value = template.kind === 'ports' ? 'ones' : 'zeros';
  const parts = [
    ...(isOpen(false) ? [`reads without a handler return ${value}`] : []),
    ...(isOpen(true) ? ['writes without a handler are dropped'] : []),
  ];
  if (parts.length === 0) return [];
  const text = parts.join(', ');
  const logged = template.missing === 'silent' ? '' : '; that is logged as a guest error';
  return [`${text[0]?.toUpperCase()}${text.slice(1)}${logged}.`];
}

function leavesBytes(routes: readonly HandlerRoute[], size: number): boolean {
  let end = 0;
  for (const { offset, length } of [...routes].sort((a, b) => a.offset - b.offset)) {
    if (offset > end) return true;
    end = Math.max(end, offset + length);
  }
  return end < size;
}

export function section({ heading, note, columns, rows }: DocumentTable): string[] {
  if (rows.length === 0) return [];
  return [`## ${heading}`, ...(note === undefined ? [] : [note]), table(columns, rows)];
}
