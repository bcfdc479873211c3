import { describe, expect, it } from 'vitest';
import { longSentences } from './sentences.ts';
import { wordFiles } from './words.ts';

/** Folders and pages whose sentences are held. `SENTENCES=README.md npx vitest run ...` tries one alone. */
const Held = ['CHANGELOG.md', 'CONTRIBUTING.md', 'README.md', 'SECURITY.md', 'devices', 'examples', 'machines', 'sdk'];

const asked = process.env['SENTENCES'];
const held = asked === undefined ? Held : [asked];
const isIn = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

describe('sentences', () => {
  it('have at most 25 words', () => {
    const files = wordFiles().filter(({ path }) => held.some((folder) => isIn(path, folder)));
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap(longSentences)).toEqual([]);
  });

  const words = (count: number): string => `A${' word'.repeat(count - 1)}.`;

  it.each([
    ['sdk/x.ts', `f();\n/** ${words(26)} */`, ['sdk/x.ts:2: 26 words']],
    ['sdk/x.ts', `/**\n * Short.\n *\n * ${words(15)}\n * ${words(26)}\n */`, ['sdk/x.ts:4: 26 words']],
    ['sdk/x.ts', `// A${' word'.repeat(20)}\n//${' word'.repeat(20)}.\n`, ['sdk/x.ts:1: 41 words']],
    ['sdk/x.ts', `/** ${words(25)} ${words(25)}\n * @see ${words(30)}\n */`, []],
    ['sdk/x.ts', `const text = '/** ${words(30)} */';`, []],
    ['README.md', `# ${words(30)}\n\n- ${words(26)}\n- ${words(25)}\n`, ['README.md:3: 26 words']],
    ['README.md', `${words(20)} \`code\` ${words(20)} [A](b.md) ${words(10)}\n`, []],
    ['README.md', `${words(20).slice(0, -1)} \`code\` ${words(20)}\n`, ['README.md:1: 41 words']],
    ['CHANGELOG.md', `## 2\n- ${words(26)}\n## 1\n- ${words(30)}\n`, ['CHANGELOG.md:2: 26 words']],
    ['CHANGELOG.md', `## 2\n<!-- names: -->\n- ${words(26)}\n<!-- end of names -->\n- ${words(5)}\n`, []],
    ['README.md', `| ${words(30)} |\n\`\`\`text\n${words(30)}\n\`\`\`\nA \`${words(30)}\`.`, []],
  ])('are counted in %s, case %#', (path, text, starts) => {
    expect(longSentences({ path, text })).toEqual(starts.map((start) => expect.stringContaining(start)));
  });
});
