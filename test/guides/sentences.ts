import { readFileSync } from 'node:fs';
import { pages } from './pages.ts';

export interface Sentence {
  readonly page: string;
  /** As a reader sees it: links by their text, code by its words. */
  readonly text: string;
  readonly words: number;
  /** The words that open a subordinate clause. */
  readonly openers: readonly string[];
}

const Fence = /^(`{3,})[\s\S]*?^\1$/gm;
const Comment = /<!--[\s\S]*?-->/g;
const Link = /\[([^\]]*)\]\([^)]*\)/g;
/** Code is taken out before a sentence is split, and a point inside it ends nothing. */
const Code = /`[^`]*`/g;
const Placeholder = /\uE000(\d+)\uE000/g;
const End = /(?<=[.!?][)"']?)\s+(?=[\p{Lu}\d"'(\uE000])/u;

/** `so that`, `even if` and the like open one clause. `that` after a preposition, or before `is`, points at something. */
const Pointing =
  /^that (?:is|was|are|does|way|much|many)\b|\b(?:of|to|with|in|by|for|like|after|before|from|on|at|and|than|or) that(?= is\b|[ ,.;:]*$|,)/gi;
const Openers =
  /\b(?:that|which|who|whom|whose|when|whenever|while|if|because|although|though|unless|until|whereas|wherever|where|whether|what|whatever|how|why|(?:before|after|since|once|as|than) (?:it|they|you|this|these|the \w+) \w+s(?= ))\b/gi;

/** Every sentence of a page's prose: paragraphs, points of lists and cells of tables; neither headings nor code. */
export function sentencesOf(page: string, markdown: string): readonly Sentence[] {
  const text = markdown.replace(Fence, '\n').replace(Comment, '\n');
  return blocksOfProse(text).flatMap((block) => sentencesOfBlock(page, block));
}

export const allSentences = (): readonly Sentence[] =>
  pages.flatMap(([name, path]) => sentencesOf(name, readFileSync(path, 'utf8')));

function blocksOfProse(text: string): readonly string[] {
  const blocks: string[] = [];
  let open = '';
  const close = () => {
    if (open.trim() !== '') blocks.push(open.trim());
    open = '';
  };
  for (const line of text.split('\n')) {
    if (line.startsWith('|')) {
      close();
      if (/^[|\s:-]+$/.test(line)) continue;
      const cells = line.replace(/`[^`]*`/g, (code) => code.replaceAll('|', '\uE001')).split('|');
      blocks.push(...cells.map((cell) => cell.replaceAll('\uE001', '|').trim()).filter(Boolean));
    } else if (/^(?:#|\s*$)/.test(line)) close();
    else {
      if (/^\s*(?:[-*]|\d+\.) /.test(line)) close();
      open += ` ${line.replace(/^\s*(?:[-*]|\d+\.) /, '').trim()}`;
    }
  }
  close();
  return blocks;
}

function sentencesOfBlock(page: string, block: string): readonly Sentence[] {
  const codes: string[] = [];
  const plain = block
    .replace(Code, (code) => `\uE000${codes.push(code) - 1}\uE000`)
    .replace(Link, '$1')
    .replace(/\*+/g, '');
  const withCode = (text: string) => text.replace(Placeholder, (_, index: string) => codes[Number(index)] ?? '');
  return plain.split(End).map((sentence) => {
    const prose = sentence.replace(Placeholder, 'code').replace(Pointing, 'it');
    return {
      page,
      text: withCode(sentence),
      words: withCode(sentence)
        .split(/\s+/)
        .filter((word) => /[\p{L}\d]/u.test(word)).length,
      openers: [...prose.matchAll(Openers)].map(([word]) => word.toLowerCase()),
    };
  });
}

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
