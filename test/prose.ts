/** A paragraph, an item of a list or a cell of a table. */
export interface Block {
  readonly line: number;
  readonly prose: string;
  readonly isCell: boolean;
}

/** A sentence as a reader sees it: links by their text. */
export interface ProseSentence {
  readonly text: string;
  /** The same with the word `code` for each piece of code. */
  readonly plain: string;
}

const NoProse = /^(`{3,})[\s\S]*?^\1$|<!-- names:[\s\S]*?<!-- end of names -->|<!--[\s\S]*?-->/gm;
const Comment = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|(?:[^\S\n]*\/\/[^\n]*\n)+/g;
const Item = /^\s*(?:[-*]|\d+\.)\s+/;
const Tag = /^\s*@\w+\s/;
const Code = /`[^`]*`/g;
const Link = /\[([^\]]*)\]\([^)]*\)/g;
/** Stands for a piece of code while sentences are split: a point inside it ends nothing. */
const Placeholder = /\uE000(\d+)\uE000/g;
const End = /(?<=[.!?]['")\]]*)\s+(?=[\p{Lu}\d"'([\uE000])|(?<=:)\s+(?=\p{Lu})/u;

/** Of Markdown. Listings, headings, lists of names and comments are left out. */
export const blocksOfPage = (page: string): Block[] =>
  blocksOf(
    page.replaceAll(NoProse, (part) => part.replaceAll(/[^\n]/g, '')),
    1,
  );

/** Of the comments in TypeScript, without tags of documentation. */
export function blocksOfComments(source: string): Block[] {
  return [...source.matchAll(Comment)].flatMap(({ 0: text, index }) => {
    if (!/^\s*\/[/*]/.test(text)) return [];
    const bare = text.replaceAll(/^\s*(\/\*\*?|\/\/|\*(?!\/))|\*\/$/gm, '');
    const blocks = blocksOf(bare, source.slice(0, index).split('\n').length);
    return blocks
      .filter(({ prose }) => !prose.startsWith('@'))
      .map((block) => ({ ...block, prose: block.prose.replace(/@see.*/, '') }));
  });
}

function blocksOf(text: string, firstLine: number): Block[] {
  const blocks: Block[] = [];
  let open: { readonly line: number; readonly lines: string[] } | undefined;
  const close = () => {
    if (open !== undefined) blocks.push({ line: open.line, prose: open.lines.join(' '), isCell: false });
    open = undefined;
  };
  for (const [at, row] of text.split('\n').entries()) {
    const line = firstLine + at;
    if (row.startsWith('|')) {
      close();
      blocks.push(...cellsOf(row).map((prose) => ({ line, prose, isCell: true })));
    } else if (/^(?:#|\s*$)/.test(row)) close();
    else {
      if (Item.test(row) || Tag.test(row)) close();
      open ??= { line, lines: [] };
      open.lines.push(row.replace(Item, '').trim());
    }
  }
  close();
  return blocks;
}

function cellsOf(row: string): string[] {
  if (/^[|\s:-]+$/.test(row)) return [];
  const cells = row.replace(Code, (code) => code.replaceAll('|', '\uE001')).split('|');
  return cells.map((cell) => cell.replaceAll('\uE001', '|').trim()).filter(Boolean);
}

/** The one splitter: of the pages, of the comments, and of what is drawn by a seed. */
export function sentencesOfBlock({ prose }: Pick<Block, 'prose'>): ProseSentence[] {
  const codes: string[] = [];
  const bare = prose
    .replace(Code, (code) => `\uE000${codes.push(code) - 1}\uE000`)
    .replace(Link, '$1')
    .replace(/\*+/g, '')
    .trim();
  return bare.split(End).map((sentence) => ({
    text: sentence.replace(Placeholder, (_, index: string) => codes[Number(index)] ?? ''),
    plain: sentence.replace(Placeholder, 'code'),
  }));
}

/** Signs alone are no words. */
export const countWords = (text: string): number => text.split(/\s+/).filter((word) => /[\p{L}\d]/u.test(word)).length;
