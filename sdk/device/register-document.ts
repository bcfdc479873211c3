import { maskOf } from '../base/bits.ts';
import { counted, hex, printable, sentence } from '../base/text.ts';
import type { DeviceBlueprint, RegionBlueprint } from './blueprint.ts';
import { formatRange } from './blueprint-checks.ts';
import { code, section, table, words } from './document-text.ts';
import { answersWhereNothingIs, handlerTable } from './handler-document.ts';
import { commandLineName, type OptionSet } from './options.ts';
import { HandledRegion, type RegionTemplate } from './region-template.ts';
import type { FieldDeclaration, RegisterAccess, RegisterDeclaration } from './registers/declaration.ts';

/** What a declaration does not say, and a device on a bench shows. */
export interface ObservedDevice {
  /** Its interrupt pins. */
  readonly pins?: readonly string[];
  /** Wires that it listens to: 'ISA IRQ 3'. */
  readonly hears?: readonly string[];
}

/**
 * The register reference of a device as Markdown, from its declaration: options, pins, regions, registers with their reset
 * values and side effects, fields with their values. What is handled by hand is listed by the names of its methods.
 */
export function registerDocument(blueprint: DeviceBlueprint, observed: ObservedDevice = {}): string {
  const { type, description, bus, options, regions, registers } = blueprint;
  const documents = [...blueprint.facets].map(([facet, declared]) => facet.document(declared)).reverse();
  const places = new Map(documents.flatMap((document) => [...(document.places ?? [])]));
  const sections = [
    `# ${type}`,
    [`${sentence(printable(description))} Bus: ${bus}.`, ...needs(blueprint)].join(' '),
    ...optionSection(options),
    ...documents.flatMap(({ tables = [] }) => tables.flatMap(section)),
    ...pinSection(observed, options, Object.assign({}, ...documents.map(({ pins }) => pins))),
    ...inOrder(regions, places).flatMap((region) => regionSection(region, registers, places.get(region.template))),
  ];
  if (regions.length === 0) sections.push('It has no regions of its own.');
  return `${sections.join('\n\n')}\n`;
}

/** The same facts for programs: plain data, 64-bit values as hexadecimal text, regions by their names. */
export function registerFacts(blueprint: DeviceBlueprint, { pins = [], hears = [] }: ObservedDevice = {}): object {
  const { type, description, bus, options, regions, registers } = blueprint;
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
    hears,
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
    registers: registers.map(({ spec: _written, ...register }) => ({
      ...register,
      region: register.region.name,
      reset: plain(register.reset),
    })),
  };
}

/** As declared; BARs by their numbers. */
function inOrder(regions: readonly RegionBlueprint[], places: ReadonlyMap<RegionTemplate, string>): RegionBlueprint[] {
  const placeOfRegion = ({ template }: RegionBlueprint) => places.get(template) ?? '';
  return [...regions].sort((a, b) => placeOfRegion(a).localeCompare(placeOfRegion(b)));
}

function needs({ injections }: DeviceBlueprint): string[] {
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

function pinSection(
  { pins = [], hears = [] }: ObservedDevice,
  { declarations }: OptionSet,
  remarks: Readonly<Record<string, string>>,
): string[] {
  const outputs = pins.flatMap((pin) => {
    const wired = Object.entries(declarations).find(([, { wires }]) => wires?.pin === pin);
    const remark = remarks[pin] ?? (wired === undefined ? 'where the machine wires it' : wiredBy(...wired));
    return remark === '' ? [] : [[code(pin), 'output', remark]];
  });
  const inputs = hears.map((wire) => [wire, 'input', '']);
  return section({ heading: 'Interrupts', columns: ['pin', 'direction', 'where'], rows: [...outputs, ...inputs] });
}

function wiredBy(name: string, { wires, default: line }: OptionSet['declarations'][string]): string {
  const by = `option ${code(commandLineName(name))} says`;
  return typeof line === 'number' && wires !== undefined
    ? `${wires.to(line).description}, or what ${by}`
    : `what ${by}`;
}

function regionSection(
  region: RegionBlueprint,
  all: readonly RegisterDeclaration[],
  place: string | undefined,
): string[] {
  const { template, coalesced, flushCoalescedIo } = region;
  const registers = all.filter((register) => register.region === template);
  const notes = [
    ...coalesced.map(
      (range) => `Writes to ${formatRange(range)} are coalesced: they may wait until something asks for them.`,
    ),
    ...(flushCoalescedIo || coalesced.length > 0 ? ['An access first delivers coalesced writes.'] : []),
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

const either = (items: readonly number[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`;

function placeOf(template: RegionTemplate, place: string | undefined): string {
  const { kind, size, base } = template;
  const units = {
    ports: ['port'],
    memory: ['byte of memory', 'bytes of memory'],
    container: ['byte for other regions', 'bytes for other regions'],
  };
  const [one = '', many] = units[kind];
  const where = base === undefined ? (place === undefined ? '' : `, ${place}`) : ` at ${hex(base)}`;
  const extent = `${size > 4096 ? `${hex(size)} ${many ?? `${one}s`}` : counted(size, one, many)}${where}`;
  if (!(template instanceof HandledRegion)) return `${extent}.`;
  const { min, max, unaligned } = template.accepts;
  const widths = [1, 2, 4, 8].filter((width) => width >= min && width <= max);
  const handled =
    template.implements.max < max ? `, handled ${counted(template.implements.max, 'byte')} at a time` : '';
  const order = template.endianness === 'big' ? ', big endian' : '';
  const repeats = template.mirrored ? ' Its registers repeat past its end.' : '';
  const accesses = `accesses of ${either(widths)} ${max === 1 ? 'byte' : 'bytes'}`;
  return `${extent}; ${accesses}${unaligned ? ', unaligned too' : ''}${handled}${order}.${repeats}`;
}

function overview(registers: readonly RegisterDeclaration[]): string[] {
  if (registers.length === 0) return [];
  const rows = registers.map((register) => [
    addressOf(register),
    code(register.count === undefined ? register.name : `${register.name}[${register.count}]`),
    String(register.width),
    accessOf(register),
    resetOf(register),
    effects(register).join('; '),
    register.description ?? '',
  ]);
  return [table(['offset', 'register', 'bits', 'access', 'reset', 'side effects', 'description'], rows)];
}

function addressOf({ offset, indexedBy, count = 1, stride = 0 }: RegisterDeclaration): string {
  const first = indexedBy === undefined ? offset : indexedBy.index;
  const last = count === 1 ? '' : ` to ${hex(first + (count - 1) * stride)} in steps of ${stride}`;
  return indexedBy === undefined
    ? `${hex(first)}${last}`
    : `${hex(offset)}, ${indexedBy.indexMember} ${hex(first)}${last}`;
}

const accessOf = ({ fields, access }: RegisterDeclaration): string =>
  new Set(fields.filter((field) => field.access !== 'reserved').map((field) => field.access)).size > 1
    ? 'by field'
    : access;

function resetOf({ reset, atReset }: RegisterDeclaration): string {
  if (atReset === 'set-by-device') return 'by options';
  return atReset === 'kept' ? `${hex(reset)} at power-on, then kept` : hex(reset);
}

function registerSection(register: RegisterDeclaration): string[] {
  const { name, fields } = register;
  if (fields.length === 0) return [];
  const rows = [...fields]
    .reverse()
    .map((field) => [
      field.low === field.high ? String(field.low) : `${field.high}:${field.low}`,
      isFiller(field) ? field.access : code(field.name),
      field.access,
      hex((BigInt(register.reset) & maskOf(field)) >> BigInt(field.low)),
      valuesOf(field),
      effects(field).join('; '),
      field.description ?? '',
    ]);
  const heading = `### ${code(name)} at ${addressOf(register)}`;
  return [heading, table(['bits', 'field', 'access', 'reset', 'values', 'side effects', 'description'], rows)];
}

const isFiller = ({ access }: FieldDeclaration): boolean => access === 'reserved' || access === 'undocumented';

const valuesOf = ({ values = {} }: FieldDeclaration): string =>
  Object.entries(values)
    .map(([name, value]) => `${value} = ${name}`)
    .join(', ');

/** What an access does beyond what its mode says. A register tells of its fields too, by their names. */
function effects(register: FieldDeclaration | RegisterDeclaration): string[] {
  const { access, readHook, writeHook } = register;
  const fields = 'fields' in register ? register.fields : [];
  const own = fields.length === 0 ? effectsOfMode(access) : [];
  const hooks = [
    ...(readHook === undefined ? [] : [`read: ${words(readHook)}`]),
    ...(writeHook === undefined ? [] : [`write: ${words(writeHook)}`]),
  ];
  return [...own, ...hooks, ...fields.flatMap((field) => effects(field).map((text) => `${code(field.name)}: ${text}`))];
}

function effectsOfMode(access: RegisterAccess): string[] {
  if (access === 'read-to-clear') return ['reading clears it'];
  if (access === 'write-one-to-clear') return ['writing ones clears them'];
  if (access === 'write-once') return ['locks until the next reset'];
  return access === 'unimplemented' ? ['stored, has no effect'] : [];
}
