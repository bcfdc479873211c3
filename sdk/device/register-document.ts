import type { DeviceBlueprint, RegionBlueprint } from './blueprint.ts';
import { formatRange } from './blueprint-checks.ts';
import type { HandlerRoute } from './handlers.ts';
import { commandLineName, type OptionSet } from './options.ts';
import { HandledRegion, type RegionTemplate } from './region-template.ts';
import { maskOf } from './registers/access-masks.ts';
import type { FieldDeclaration, RegisterDeclaration } from './registers/declaration.ts';
import { hex } from './registers/names.ts';

/**
 * The register reference of a device as Markdown, from nothing but its declaration: options, regions, registers with their
 * reset values and side effects, fields with their values. What is handled by hand is listed by the names of its methods.
 */
export function registerDocument(blueprint: DeviceBlueprint): string {
  const { type, description, bus, options, regions, registers } = blueprint;
  const sections = [
    `# ${type}`,
    `${sentence(description)} Bus: ${bus}.`,
    ...optionSection(options),
    ...regions.flatMap((region) => regionSection(region, registers)),
  ];
  if (regions.length === 0) sections.push('It has no regions of its own.');
  return `${sections.join('\n\n')}\n`;
}

/** The same facts for programs: plain data, 64-bit values as hexadecimal text, regions by their names. */
export function registerFacts({ type, description, bus, registers }: DeviceBlueprint): object {
  const plain = (value: number | bigint) => (typeof value === 'bigint' ? hex(value) : value);
  const facts = registers.map((register) => ({
    ...register,
    region: register.region.name,
    reset: plain(register.reset),
  }));
  return { type, description, bus, registers: facts };
}

function optionSection(options: OptionSet): string[] {
  const rows = Object.entries(options.declarations).map(([name, option]) => [
    code(commandLineName(name)),
    option.kind,
    option.default === undefined ? '' : code(option.format(option.default)),
    option.description,
  ]);
  return rows.length === 0 ? [] : ['## Options', table(['option', 'type', 'default', 'what it does'], rows)];
}

function regionSection(region: RegionBlueprint, all: readonly RegisterDeclaration[]): string[] {
  const { template, coalesced, flushCoalescedIo } = region;
  const registers = all.filter((register) => register.region === template);
  const notes = [
    ...coalesced.map(
      (range) => `Writes to ${formatRange(range)} are coalesced: they may wait until something asks for them.`,
    ),
    ...(flushCoalescedIo ? ['An access first delivers coalesced writes.'] : []),
  ];
  return [
    `## Region ${code(template.name)}`,
    [placeOf(template), ...notes].join(' '),
    ...overview(registers),
    ...byHand(region.handlers.filter(({ register }) => register === undefined)),
    ...registers.flatMap(registerSection),
  ];
}

function placeOf(template: RegionTemplate): string {
  const { kind, size, base } = template;
  const units = { ports: 'ports', memory: 'bytes of memory', container: 'bytes for other regions' }[kind];
  const where = base === undefined ? '' : ` at ${hex(base)}`;
  if (!(template instanceof HandledRegion)) return `${hex(size)} ${units}${where}.`;
  const { min, max, unaligned } = template.accepts;
  const widths = [1, 2, 4, 8].filter((width) => width >= min && width <= max).join(', ');
  const order = template.endianness === 'big' ? ', big endian' : '';
  const repeats = template.mirrored ? ' Its registers repeat past its end.' : '';
  return `${hex(size)} ${units}${where}; accesses of ${widths} bytes${unaligned ? ', unaligned too' : ''}${order}.${repeats}`;
}

function overview(registers: readonly RegisterDeclaration[]): string[] {
  if (registers.length === 0) return [];
  const rows = registers.map((register) => [
    addressOf(register),
    code(register.count === undefined ? register.name : `${register.name}[${register.count}]`),
    String(register.width),
    accessOf(register),
    resetOf(register),
    effects(register, register.access).join('; '),
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

/** Rows for what has no declaration: who answers where. */
function byHand(handlers: readonly HandlerRoute[]): string[] {
  const rows = [...handlers]
    .sort((a, b) => rank(a) - rank(b) || Number(a.isWrite) - Number(b.isWrite))
    .map(({ offset, length, isWrite, sizes, method }) => [
      bytesOf(offset, length),
      isWrite ? 'write' : 'read',
      sizes.join(', '),
      words(method),
    ]);
  return rows.length === 0 ? [] : ['Handled by code:', table(['offset', 'direction', 'bytes', 'what happens'], rows)];
}

/** A handler without an offset comes last: it takes what no other takes. */
const rank = ({ offset, length }: HandlerRoute): number =>
  offset === 0 && length === Number.POSITIVE_INFINITY ? length : offset;

function bytesOf(offset: number, length: number): string {
  if (length !== Number.POSITIVE_INFINITY) return formatRange({ offset, size: length });
  return offset === 0 ? 'everywhere else' : `${hex(offset)} on`;
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
      effects(field, field.access).join('; '),
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

interface Hooked {
  readonly fields?: readonly FieldDeclaration[];
  readonly readHook?: string | undefined;
  readonly writeHook?: string | undefined;
}

function effects({ fields, readHook, writeHook }: Hooked, access: string): string[] {
  const own = fields === undefined || fields.length === 0;
  return [
    ...(own && access === 'read-to-clear' ? ['reading clears it'] : []),
    ...(own && access === 'write-one-to-clear' ? ['writing ones clears them'] : []),
    ...(own && access === 'write-once' ? ['locks until the next reset'] : []),
    ...(own && access === 'unimplemented' ? ['stored, has no effect'] : []),
    ...(readHook === undefined ? [] : [`read: ${words(readHook)}`]),
    ...(writeHook === undefined ? [] : [`write: ${words(writeHook)}`]),
  ];
}

/** `startFactorial` is a sentence already. */
function words(method: string): string {
  return method.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/\b[A-Z][a-z]/g, (start) => start.toLowerCase());
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

const code = (text: string): string => `\`${text}\``;

/** Columns that no row fills are left out. */
function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const used = heading.map((_, column) => rows.some((row) => row[column] !== ''));
  const line = (cells: readonly string[]): string =>
    `| ${cells
      .filter((_, column) => used[column])
      .map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' '))
      .join(' | ')} |`;
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n');
}
