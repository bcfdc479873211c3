import { readFileSync } from 'node:fs';
import { blocksOfPage, countWords, sentencesOfBlock } from '../prose.ts';
import { pages } from './pages.ts';

export interface Sentence {
  readonly page: string;
  /** As a reader sees it: links by their text, code by its words. */
  readonly text: string;
  readonly words: number;
  /** The words that open a subordinate clause. */
  readonly openers: readonly string[];
}

/** `so that`, `even if` and the like open one clause. `that` after a preposition, or before `is`, points at something. */
const Pointing =
  /^that (?:is|was|are|does|way|much|many)\b|\b(?:of|to|with|in|by|for|like|after|before|from|on|at|and|than|or) that(?= is\b|[ ,.;:]*$|,)/gi;
const Openers =
  /\b(?:that|which|who|whom|whose|when|whenever|while|if|because|although|though|unless|until|whereas|wherever|where|whether|what|whatever|how|why|(?:before|after|since|once|as|than) (?:it|they|you|this|these|the \w+) \w+s(?= ))\b/gi;

/** Every sentence of a page's prose: paragraphs, points of lists and cells of tables; neither headings nor code. */
export const sentencesOf = (page: string, markdown: string): readonly Sentence[] =>
  blocksOfPage(markdown)
    .flatMap(sentencesOfBlock)
    .map(({ text, plain }) => ({
      page,
      text,
      words: countWords(text),
      openers: [...plain.replace(Pointing, 'it').matchAll(Openers)].map(([word]) => word.toLowerCase()),
    }));

export const allSentences = (): readonly Sentence[] =>
  pages.flatMap(([name, path]) => sentencesOf(name, readFileSync(path, 'utf8')));

/** Whole sentences: neither cells of tables nor links to the next guide. */
export const wholeSentences = (all: readonly Sentence[] = allSentences()): readonly Sentence[] =>
  all.filter(({ text, words }) => words > 2 && /^[^|]*[.!?:]$/.test(text) && !text.startsWith('Next: '));

/** Sentences drawn by a seeded die, the same for one seed and one state of the pages. */
export function drawn(seed: number, count: number, from: readonly Sentence[] = wholeSentences()): readonly Sentence[] {
  const left = [...from];
  let state = seed >>> 0;
  const random = (below: number) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(random(left.length), 1)[0] as Sentence);
}
