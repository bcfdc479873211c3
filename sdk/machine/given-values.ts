import { printable } from '../base/text.ts';

// Files that no compiler has checked, such as plugins, may give values of any kind.

/** A value of a wrong kind, inside a sentence. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${printable(value)}'`;
  if (typeof value === 'function') return `the function ${printable(value.name)}`;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

export const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
