import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import * as author from '../../sdk/index.ts';
import * as runtime from '../../sdk/runtime.ts';

const page = readFileSync(fileURLToPath(new URL('../../sdk/memory/README.md', import.meta.url)), 'utf8');
const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code ?? '');
const claim = /^( *)(.+); \/\/ => (.+)$/gm;

/** Turns `expression; // => value` into a check of both. */
function asTest(code: string): string {
  return code
    .replace(/import \{([^}]*)\} from '(backplane[^']*)';/g, "const {$1} = entries['$2'];")
    .replace(
      claim,
      (_, indent, actual, expected) => `${indent}check(${actual}, ${expected}, ${JSON.stringify(actual)});`,
    );
}

describe('the page that teaches the memory core', () => {
  it('shows code that runs and says the truth', () => {
    const claims: string[] = [];
    const check = (actual: unknown, expected: unknown, text: string) => {
      claims.push(text);
      expect(actual, text).toEqual(expected);
    };
    const { code } = transformSync(blocks.map(asTest).join('\n'), { loader: 'ts' });
    new Function('entries', 'check', code)({ backplane: author, 'backplane/runtime': runtime }, check);
    expect(claims.length).toBe([...page.matchAll(claim)].length);
    expect(claims.length).toBeGreaterThan(12);
  });
});
