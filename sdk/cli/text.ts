import { printable } from '../base/text.ts';

const plainWord = /^[\w./@][\w./:,=+@%^~-]*$/;

/** A name for a command line in a message. A name that is not one plain word of a shell becomes the placeholder. */
export const shellWord = (name: string, placeholder: string): string => (plainWord.test(name) ? name : placeholder);

/** Two indented columns, one line for each row. */
export function formatColumns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([first]) => first.length));
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${printable(second)}`).join('\n');
}

/** A table with the first column aligned left and the others right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd()).join('\n');
}
