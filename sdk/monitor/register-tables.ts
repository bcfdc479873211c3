import { maskOf } from '../base/bits.ts';
import { hex, printable } from '../base/text.ts';
import type { FieldDeclaration, RegisterAccess, RegisterDeclaration } from '../device/registers/model.ts';
import { isFiller } from '../device/registers/names.ts';

export function overview(registers: readonly RegisterDeclaration[]): string[] {
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

function resetOf({ kind, reset, reads, atReset }: RegisterDeclaration): string {
  if (kind === 'trigger') return reads === undefined ? '' : `reads ${hex(reads)}`;
  if (kind === 'derived') return 'derived';
  if (atReset === 'set-by-device') return 'by options';
  return atReset === 'kept' ? `${hex(reset)} at power-on, then kept` : hex(reset);
}

export function registerSection(register: RegisterDeclaration): string[] {
  const { name, fields } = register;
  if (fields.length === 0) return [];
  const rows = [...fields]
    .reverse()
    .map((field) => [
      field.low === field.high ? String(field.low) : `${field.high}:${field.low}`,
      isFiller(field) ? field.access : code(field.name),
      field.access,
      register.kind === 'stored' ? hex((BigInt(register.reset) & maskOf(field)) >> BigInt(field.low)) : '',
      valuesOf(field),
      effects(field).join('; '),
      field.description ?? '',
    ]);
  const heading = `### ${code(name)} at ${addressOf(register)}`;
  return [heading, table(['bits', 'field', 'access', 'reset', 'values', 'side effects', 'description'], rows)];
}

const valuesOf = ({ values = {} }: FieldDeclaration): string =>
  Object.entries(values)
    .map(([name, value]) => `${value} = ${name}`)
    .join(', ');

/** Side effects of accesses, beyond the mode. Those of a register include those of its fields, by their names. */
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
  if (access === 'write-one-to-set') return ['writing ones sets them; zeros leave them'];
  if (access === 'write-once') return ['locks until the next reset'];
  return access === 'unimplemented' ? ['stored, has no effect'] : [];
}

export const code = (text: string): string => `\`${printable(text)}\``;

/** `startFactorial` is a sentence already. */
export function words(method: string): string {
  return method.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/\b[A-Z][a-z]/g, (start) => start.toLowerCase());
}

/** Columns that no row fills are left out. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const used = columns.map((_, column) => rows.some((row) => row[column] !== ''));
  const line = (cells: readonly string[]): string =>
    `| ${cells
      .filter((_, column) => used[column])
      .map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' '))
      .join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}
