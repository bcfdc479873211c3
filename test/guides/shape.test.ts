import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { guideNames, guidesFolder, pages, readGuide } from './pages.ts';
import { allSentences, drawn, sentencesOf } from './sentences.ts';

const MostLinesOfReadme = 200;
const MostLinesOfPage = 150;
const MostWords = 25;

/** A guide may have one link alone, to the next guide. These lead to other pages, and the last lists all guides. */
const FewestLinks: Readonly<Record<string, number>> = {
  'README.md': 20,
  'sdk/README.md': 4,
  'sdk/guides/README.md': guideNames.length,
};

const linesOf = (text: string) => text.trimEnd().split('\n').length;
const linksOf = (text: string) => [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? '');

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .replace(/^#+ /, '')
    .toLowerCase()
    .replace(/[^\p{L}\d _-]/gu, '')
    .replaceAll(' ', '-');

function linkProblem(page: string, target: string): string | undefined {
  if (/^https?:/.test(target)) return undefined;
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? page : join(dirname(page), file);
  if (!existsSync(path)) return `${target}: there is no such page`;
  if (anchor === undefined) return undefined;
  const headings = readFileSync(path, 'utf8').match(/^#+ .*$/gm) ?? [];
  return headings.map(anchorOf).includes(anchor) ? undefined : `${target}: there is no such heading`;
}

describe('the pages', () => {
  it.each(pages)('%s is short', (name, path) => {
    const most = name === 'README.md' ? MostLinesOfReadme : MostLinesOfPage;
    expect(linesOf(readFileSync(path, 'utf8'))).toBeLessThanOrEqual(most);
  });

  it.each(pages)('%s links to pages and headings that exist', (name, path) => {
    const links = linksOf(readFileSync(path, 'utf8'));
    expect(links.length).toBeGreaterThanOrEqual(FewestLinks[name] ?? 1);
    expect(links.map((target) => linkProblem(path, target)).filter((problem) => problem !== undefined)).toEqual([]);
  });

  it('are a README that begins, and guides in one order without gaps', () => {
    expect(guideNames.map((name) => Number(name.slice(0, 2)))).toEqual(guideNames.map((_, index) => index + 1));
    expect(linksOf(readFileSync(pages[0]![1], 'utf8'))).toContain(`sdk/guides/${guideNames[0]}`);
    const listed = linksOf(readGuide('README.md')).filter((target) => /^\d/.test(target));
    expect(listed).toEqual(guideNames);
  });

  it.each(guideNames.slice(0, -1))('%s ends with a link to the next guide', (name) => {
    const next = guideNames[guideNames.indexOf(name) + 1] as string;
    const title = readGuide(next).split('\n')[0]?.replace(/^# |`/g, '') ?? '';
    const last = readGuide(name).trimEnd().split('\n').at(-1) as string;
    expect(last).toMatch(/^Next: \[.+\]\(.+\)\.$/);
    expect(linksOf(last)).toEqual([next]);
    expect(last.toLowerCase()).toContain(`[${title.toLowerCase()}]`);
  });

  it('the last guide ends with a link to the page of rooms', () => {
    const last = readGuide(guideNames.at(-1) as string)
      .trimEnd()
      .split('\n')
      .at(-1) as string;
    expect(linksOf(last)).toEqual(['../README.md']);
    expect(existsSync(join(guidesFolder, '../README.md'))).toBe(true);
  });
});

describe('the page on the SDK', () => {
  it('lists the rooms that there are', () => {
    const sdk = join(guidesFolder, '..');
    const folders = readdirSync(sdk, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const rooms = folders.map(({ name }) => name).filter((name) => name !== 'guides' && name !== 'decisions');
    const page = readFileSync(join(sdk, 'README.md'), 'utf8');
    expect([...page.matchAll(/^\| `([\w-]+)\/` \|/gm)].map(([, name]) => name).sort()).toEqual(rooms.sort());
  });

  it('lists the entries of the package', () => {
    const { exports } = JSON.parse(readFileSync(join(guidesFolder, '../../package.json'), 'utf8'));
    const entries = Object.keys(exports).filter((name) => name !== './package.json');
    const page = readFileSync(join(guidesFolder, '../README.md'), 'utf8');
    const rows = page.slice(page.indexOf('## Entries'), page.indexOf('## Six nouns')).match(/^\| `.*? \|/gm) ?? [];
    const listed = rows.flatMap((row) => [...row.matchAll(/`backplane(.*?)`/g)].map(([, path]) => `.${path}`));
    expect(listed.sort()).toEqual(entries.sort());
  });
});

describe('the sentences', () => {
  const all = allSentences();
  const shown = ({ page, words, openers, text }: (typeof all)[number]) =>
    `${page}: ${words} words, ${openers.join(' ')}: ${text}`;

  it('are short', () => {
    expect(all.length).toBeGreaterThan(500);
    expect(all.filter(({ words }) => words > MostWords).map(shown)).toEqual([]);
  });

  it('have at most one subordinate clause', () => {
    expect(all.filter(({ openers }) => openers.length > 1).map(shown)).toEqual([]);
  });

  // test/architecture/words.ts refuses the other words for unknown actors, in these pages too.
  it("do without 'whatever'", () => {
    expect(all.filter(({ text }) => /\bwhatever\b/i.test(text)).map(shown)).toEqual([]);
  });

  it('are counted as a reader would', () => {
    const page = [
      '# A heading is none',
      '',
      'One `a. b` two. That is three, and so on.',
      'It waits until the guest, which sleeps, goes on!',
      'It waits before the guest goes on, but not before the end.',
      '',
      '- a point: it',
      '  goes on',
      '',
      '| a cell | `a \\| b` |',
      '|---|---|',
      '```ts',
      'code if code',
      '```',
    ].join('\n');
    expect(sentencesOf('page', page).map(({ words, openers }) => [words, ...openers])).toEqual([
      [4],
      [6],
      [9, 'until', 'which'],
      [12, 'before the guest goes'],
      [5],
      [2],
      [2],
    ]);
  });

  it('are drawn the same for one seed', () => {
    expect(drawn(7, 40, all)).toEqual(drawn(7, 40, all));
    expect(new Set(drawn(7, 40, all)).size).toBe(40);
  });
});
