import { printable } from '../base/text.ts';

const plainWord = /^[\w./@][\w./:,=+@%^~-]*$/;

/** A name for a command line in a message. A name that is not one plain word of a shell becomes the placeholder. */
export const shellWord = (name: string, placeholder: string): string => (plainWord.test(name) ? name : placeholder);

/** Two indented columns, one line for each row. */
export function formatColumns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([first]) => first.length));
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${printable(second)}`).join('\n');
}
