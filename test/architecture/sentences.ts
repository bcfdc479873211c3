import { blocksOfComments, blocksOfPage, countWords, sentencesOfBlock } from '../prose.ts';
import { newestPart, type WordFile } from './words.ts';

/** More words than this are two sentences. */
const MostWords = 25;

/** One sentence for each that is too long, in comments or in a page: where it begins, and its words. Code is one word. */
export function longSentences({ path, text }: WordFile): string[] {
  const blocks = path.endsWith('.md')
    ? blocksOfPage(path === 'CHANGELOG.md' ? newestPart(text) : text).filter(({ isCell }) => !isCell)
    : blocksOfComments(text);
  return blocks.flatMap((block) =>
    sentencesOfBlock(block)
      .map(({ text: sentence, plain }) => ({ sentence, words: countWords(plain) }))
      .filter(({ words }) => words > MostWords)
      .map(({ sentence, words }) => `${path}:${block.line}: ${words} words: ${sentence}`),
  );
}
