import { nearest, printable } from '../base/text.ts';

const plainWord = /^[\w./@][\w./:,=+@%^~-]*$/;

/** A name inside a command line to copy. One that a shell would take for more than a word is not shown there. */
export const shellWord = (name: string, placeholder: string): string => (plainWord.test(name) ? name : placeholder);

/** The end of an error message: what was probably meant, or everything there is, or where to find it. */
export function didYouMean(misspelt: string, known: readonly string[], listedBy?: string): string {
  const meant = nearest(misspelt, known);
  if (meant !== undefined) return `Did you mean '${meant}'?`;
  return listedBy === undefined ? `Known: ${known.join(', ')}.` : `'${listedBy}' lists them.`;
}

/** Two columns, indented, each row in one line; the second starts where the longest entry of the first ends. */
export function formatColumns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([first]) => first.length));
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${printable(second)}`).join('\n');
}

/** The first column to the left, all others to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd()).join('\n');
}
