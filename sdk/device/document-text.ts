import { printable } from '../base/text.ts';
/** Pieces of Markdown that references are made of. */

/** A table with a heading of its own. A table without rows is left out. */
export interface DocumentTable {
  readonly heading: string;
  /** A sentence above the table. */
  readonly remark?: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function section({ heading, remark, columns, rows }: DocumentTable): string[] {
  if (rows.length === 0) return [];
  return [`## ${heading}`, ...(remark === undefined ? [] : [remark]), table(columns, rows)];
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
