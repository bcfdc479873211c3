/** Pieces of text that messages, tables and reference pages share. */

/** An address, an offset or a value inside a sentence: `0x70`. At least `digits` digits. */
export function hex(value: number | bigint, digits = 0): string {
  const sign = value < 0 ? '-' : '';
  return `${sign}0x${(value < 0 ? -value : value).toString(16).padStart(digits, '0')}`;
}

/** `41,342`, in any locale of the host. */
export const count = (value: number): string =>
  Number.isInteger(value) && value >= 0 && value < 1000 ? String(value) : value.toLocaleString('en-US');

/** A count that there may not be: `not known`, and never 0. */
export const known = (value: number | null | undefined, format: (value: number) => string): string =>
  value === null || value === undefined ? 'not known' : format(value);

/** `1 exit`, `2 exits`, `41,342 exits`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** The value divided by 10^`digits`, exactly: `1234567` with 3 is `1234.567`. */
export function decimal(value: bigint, digits: number): string {
  const text = String(value).padStart(digits + 1, '0');
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** A whole number as JSON can say it exactly: beyond 2^53 as a text. */
export const exactData = (value: bigint): number | string =>
  value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);

/** `once`, `2 times`. */
export const times = (value: number): string => (value === 1 ? 'once' : `${count(value)} times`);

/** Whether bytes look like UTF-16: they begin with a byte order mark, or with an ASCII letter in two bytes. */
export function isWide(bytes: Uint8Array, start = 0): boolean {
  const [first = 0, second = 0] = bytes.subarray(start, start + 2);
  const isMark = (first === 0xfe && second === 0xff) || (first === 0xff && second === 0xfe);
  const letter = first === 0 ? second : second === 0 ? first : 0;
  return isMark || /[\t-\r -~]/.test(String.fromCharCode(letter));
}

/** The name of a region as a variable: `pci-conf-idx` is `pciConfIdx`. */
export const camelCase = (name: string): string =>
  name.replaceAll(/[^a-zA-Z0-9]+(.)/g, (_, letter: string) => letter.toUpperCase());

/** The text with a full stop, unless it ends a sentence already. */
export const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** Characters that a terminal obeys: they move the cursor, end the line, or turn the direction of writing. */
const steering = /(?!\t)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

const asEscape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Untrusted text for one line of a message: characters that a terminal obeys are shown as `\u001b`. */
export const printable = (text: string): string => text.replace(steering, asEscape);

/** The same for a text of several lines. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');

/** The known name that a mistyped one most likely meant, or nothing when none is close. Leading dashes do not count. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const plain = (text: string) => text.replace(/^-+/, '').toLowerCase();
  const word = plain(name);
  let best: string | undefined;
  let fewest = Math.ceil(word.length / 3) + 1;
  for (const candidate of known) {
    const meant = plain(candidate);
    const edits = meant.startsWith(word) && word.length >= 3 ? 1 : editDistance(word, meant);
    if (edits < fewest && edits < Math.max(word.length, meant.length)) {
      best = candidate;
      fewest = edits;
    }
  }
  return best;
}

/** How many single-letter edits turn one word into the other: insert, delete, replace, swap two neighbours. */
function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (previous[column - 1] as number) + (from[row - 1] === to[column - 1] ? 0 : 1);
      let best = Math.min(replaced, (previous[column] as number) + 1, (current[column - 1] as number) + 1);
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        best = Math.min(best, (beforePrevious[column - 2] as number) + 1);
      }
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[to.length] as number;
}
/**
 * The end of a sentence about an unknown property of a declaration: `says 'is64bit'. Did you mean 'is64Bit'?`. The compiler
 * refuses it too, but a plugin is not compiled against types.
 */
export function unknownWord(given: object, known: readonly string[]): string | undefined {
  const word = Object.keys(given).find((one) => !known.includes(one));
  return word === undefined ? undefined : `says '${word}'. ${didYouMean(word, known)}`;
}

/** `1, 2 or 4`. */
export const joined = (words: readonly (string | number)[], last: 'and' | 'or'): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;

const listed = (known: readonly string[]): string => `Known: ${known.join(', ') || 'none'}.`;

/** The end of an error message: the similar name; without one all names, or what the caller says instead. */
export function didYouMean(misspelt: string, known: readonly string[], otherwise = listed(known)): string {
  const close = nearest(misspelt, known);
  return close === undefined ? otherwise : `Did you mean '${close}'?`;
}

/** One word of a POSIX shell's line, in quotes where it needs them. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** A table with the first column aligned left and the others right; the last one left too where it is prose. */
export function formatTable(rows: readonly (readonly string[])[], endsInProse = false): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const isLeft = (column: number) => column === 0 || (endsInProse && column === widths.length - 1);
  const cell = (text: string, column: number) =>
    isLeft(column) ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd()).join('\n');
}
