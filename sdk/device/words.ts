import { nearest } from './nearest-name.ts';

/**
 * A word of a declaration that means nothing there: `says 'is64bit'. Did you mean 'is64Bit'?`. The compiler refuses it too, but
 * a plugin is run as it is.
 */
export function unknownWord(given: object, known: readonly string[]): string | undefined {
  const word = Object.keys(given).find((one) => !known.includes(one));
  if (word === undefined) return undefined;
  const close = nearest(word, known);
  return `says '${word}'. ${close === undefined ? `Known: ${known.join(', ')}.` : `Did you mean '${close}'?`}`;
}
