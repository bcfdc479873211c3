import { nearest } from '../base/text.ts';

const plainWord = /^[\w./@][\w./:,=+@%^~-]*$/;

/** A name inside a command line to copy. One that a shell would take for more than a word is not shown there. */
export const shellWord = (name: string, placeholder: string): string => (plainWord.test(name) ? name : placeholder);

/** The end of an error message: what was probably meant, or everything there is, or where to find it. */
export function didYouMean(misspelt: string, known: readonly string[], listedBy?: string): string {
  const meant = nearest(misspelt, known);
  if (meant !== undefined) return `Did you mean '${meant}'?`;
  return listedBy === undefined ? `Known: ${known.join(', ')}.` : `'${listedBy}' lists them.`;
}
