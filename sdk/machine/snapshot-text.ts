import type { MachineSnapshot } from './snapshot.ts';

/** Values that fit stay on one line. */
const Width = 110;

/** A snapshot as a JSON file for people: short values on one line, long ones a line for each part. */
export function formatSnapshot(snapshot: MachineSnapshot): string {
  return `${format(snapshot, '')}\n`;
}

function format(value: unknown, indent: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((one) => format(one, inner))
    : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${format(one, inner)}`);
  const [open, close] = isList ? '[]' : '{}';
  const length = parts.reduce((sum, part) => sum + part.length + 2, 0);
  const fits = length + indent.length < Width && !parts.some((part) => part.includes('\n'));
  if (fits)
    return isList || parts.length === 0 ? `${open}${parts.join(', ')}${close}` : `${open} ${parts.join(', ')} ${close}`;
  return `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indent}${close}`;
}
