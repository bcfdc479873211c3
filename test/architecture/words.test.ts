import { describe, expect, it } from 'vitest';
import { bannedWords, wordFiles } from './words.ts';

/** Folders and pages whose words are held. `WORDS=sdk/machine npx vitest run test/architecture/words.test.ts` tries one alone. */
const Held = ['CHANGELOG.md', 'CONTRIBUTING.md', 'README.md', 'SECURITY.md', 'devices', 'examples', 'machines', 'sdk'];

const asked = process.env['WORDS'];
const held = asked === undefined ? Held : [asked];
const isIn = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
const files = wordFiles();

describe('the words', () => {
  it('are those that an engineer searches for', () => {
    const clean = files.filter(({ path }) => held.some((folder) => isIn(path, folder)));
    expect(clean.flatMap(bannedWords)).toEqual([]);
  });

  it.each(held)('are held in %s, which is there', (folder) => {
    expect(files.some(({ path }) => isIn(path, folder))).toBe(true);
  });

  it('are read in sources, templates and pages, and not in decisions', () => {
    const paths = files.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['README.md', 'CHANGELOG.md', 'sdk/index.ts', 'sdk/README.md']));
    expect(paths.some((path) => path.endsWith('.template'))).toBe(true);
    expect(paths.some((path) => path.startsWith('sdk/decisions/'))).toBe(false);
  });
});

describe('a banned word', () => {
  const found = (path: string, text: string) => bannedWords({ path, text });

  it.each([
    ['sdk/x.ts', '/** Nobody reads it. */', "sdk/x.ts:1: 'nobody', say: what is missing"],
    ['sdk/x.ts', '/**\n * The device.\n * Somebody wires it.\n */', "sdk/x.ts:3: 'somebody'"],
    ['sdk/x.ts', 'f();\n// whoever calls', "sdk/x.ts:2: 'whoever'"],
    ['sdk/x.ts', "throw new Error('it leads nowhere');", "sdk/x.ts:1: 'nowhere', say: unassigned"],
    ['sdk/x.ts', 'const text = `a twin of it`;', "sdk/x.ts:1: 'twin'"],
    ['sdk/x.ts', 'const isHeirOf = 1;', "sdk/x.ts:1: 'heir', say: replacement"],
    ['sdk/x.ts', 'class SwapWorkshop {}', "sdk/x.ts:1: 'workshop', say: context"],
    ['sdk/x.ts', 'clock.approach(time);', "sdk/x.ts:1: 'approach', say: advanceUntilTimer"],
    ['sdk/x.ts', 'this.learnPort(at);', "'learnPort', say: fillEntry"],
    ['sdk/x.ts', '/** The\n * bus\n * behind the bridge. */', "sdk/x.ts:2: 'bus behind', say: subtractive decode"],
    ['sdk/pc-landmarks.ts', '', "sdk/pc-landmarks.ts, its name: 'landmarks', say: known port"],
    ['sdk/run-ends.ts', '', "sdk/run-ends.ts, its name: 'runEnds', say: run outcomes"],
    ['sdk/cli/x.ts.template', '// Somebody', "'somebody'"],
    ['README.md', 'A pin that somebody else wires.', "README.md:1: 'somebody'"],
    ['README.md', 'Text.\n```ts\nmachine.tellAll();\n```\n', "README.md:3: 'tellAll', say: emit"],
    ['CHANGELOG.md', '# Changes\n\n## Unreleased\n\n- Nobody.\n\n## 0.1.0\n', "CHANGELOG.md:5: 'nobody'"],
  ])('is found in %s: %j', (path, text, start) => {
    expect(found(path, text)).toEqual([expect.stringContaining(start)]);
  });

  it.each([
    ['sdk/x.ts', '/** The guest approaches, and is told; a body, a one-shot, an attention key. */'],
    ['sdk/x.ts', 'const foretell = shopping + theirs;'],
    [
      'CHANGELOG.md',
      '## 0.2.0\n\n| `heir` | `replacement` |\n\nThe name `facetOf` is gone.\n\n## 0.1.0\n\n- Nobody.\n',
    ],
  ])('is not found in %s: %j', (path, text) => {
    expect(found(path, text)).toEqual([]);
  });
});
