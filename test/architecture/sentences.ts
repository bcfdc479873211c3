import { newestPart, type WordFile } from './words.ts';

/** More words than this are two sentences. */
const MostWords = 25;

/** One sentence for each that is too long, in comments or in a page: where it begins, and its words. */
export function longSentences({ path, text }: WordFile): string[] {
  const blocks = path.endsWith('.md')
    ? paragraphsOf(path === 'CHANGELOG.md' ? newestPart(text) : text)
    : commentsOf(text);
  return blocks.flatMap(({ line, prose }) =>
    sentencesOf(prose)
      .map((sentence) => ({ sentence, words: sentence.split(/\s+/).length }))
      .filter(({ words }) => words > MostWords)
      .map(({ sentence, words }) => `${path}:${line}: ${words} words: ${sentence}`),
  );
}

interface Block {
  readonly line: number;
  readonly prose: string;
}

const Comment = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|(?:[^\S\n]*\/\/[^\n]*\n)+/g;

function commentsOf(source: string): Block[] {
  return [...source.matchAll(Comment)].flatMap(({ 0: text, index }) => {
    if (!/^\s*\/[/*]/.test(text)) return [];
    const bare = text.replaceAll(/^\s*(\/\*\*?|\/\/|\*(?!\/))|\*\/$/gm, '');
    return blocksOf(bare, source.slice(0, index).split('\n').length);
  });
}

/** Listings, tables, lists of names, headings and marks of recorded blocks are no sentences. */
function paragraphsOf(page: string): Block[] {
  const none = /^```[\s\S]*?^```|^[|#].*$|<!-- names:[\s\S]*?<!-- end of names -->|<!--[\s\S]*?-->/gm;
  const prose = page.replaceAll(none, (part) => part.replaceAll(/[^\n]/g, ''));
  return blocksOf(prose, 1);
}

/** Blank lines, items of lists and tags end a block. */
function blocksOf(text: string, firstLine: number): Block[] {
  const blocks: { line: number; lines: string[] }[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '') blocks.push({ line: firstLine + at, lines: [] });
    else if (blocks.length === 0 || /^\s*(-|\*|\d+\.|@\w+)\s/.test(line)) {
      blocks.push({ line: firstLine + at, lines: [line] });
    } else blocks.at(-1)?.lines.push(line);
  }
  return blocks
    .map(({ line, lines }) => ({ line, prose: lines.join(' ') }))
    .filter(({ prose }) => !/^\s*@/.test(prose));
}

const sentencesOf = (prose: string): string[] =>
  prose
    .replaceAll(/`[^`]*`/g, '`code`')
    .replaceAll(/\]\([^)]*\)/g, ']')
    .replaceAll(/@see.*/g, '')
    .replace(/^\s*(-|\*|\d+\.)\s+/, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .split(/(?<=[.!?]['")*\]]*)\s+(?=[A-Z`[(*])|(?<=:)\s+(?=[A-Z])/);
