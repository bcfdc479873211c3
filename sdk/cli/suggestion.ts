import { nearest } from '../base/text.ts';

/** The end of an error message: what was probably meant, or everything there is, or where to find it. */
export function didYouMean(misspelt: string, known: readonly string[], listedBy?: string): string {
  const meant = nearest(misspelt, known);
  if (meant !== undefined) return `Did you mean '${meant}'?`;
  return listedBy === undefined ? `Known: ${known.join(', ')}.` : `'${listedBy}' lists them.`;
}
