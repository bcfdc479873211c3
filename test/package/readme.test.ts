// @module-tag package
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkout, markedFiles, readme, renderReadme } from './readme.ts';

const text = readFileSync(readme, 'utf8');
const examples = readdirSync(`${checkout}examples`).filter((file) => file.endsWith('.ts'));

describe('the README', () => {
  // `npx vitest run test/package/readme.test.ts -u` brings it up to date.
  it('shows the files as they are and what the commands print now', async () => {
    await expect(renderReadme(text)).toMatchFileSnapshot(readme);
  });

  it('shows or names every example', () => {
    const shown = markedFiles(text);
    const named = [...text.matchAll(/\]\((examples\/[^)]+)\)/g)].map(([, path]) => path ?? '');
    const missing = examples.map((file) => `examples/${file}`).filter((path) => ![...shown, ...named].includes(path));
    expect(missing).toEqual([]);
  });
});

describe('the examples', () => {
  it.each(examples)('%s is short and imports the package by its public names', (file) => {
    const source = readFileSync(`${checkout}examples/${file}`, 'utf8');
    expect(source.trimEnd().split('\n').length).toBeLessThan(60);
    const imported = [...source.matchAll(/from '([^']+)'/g)].map(([, name]) => name ?? '');
    expect(imported.filter((name) => !/^(backplane(\/\w+)*|vitest|\.\/[\w-]+\.ts)$/.test(name))).toEqual([]);
  });

  it.each(examples.filter((file) => /^\d/.test(file)))(
    '%s runs from the root of a checkout',
    (file) => {
      const output = execFileSync('npx', ['tsx', `examples/${file}`], { cwd: checkout, encoding: 'utf8' });
      // What lies in no cache is a sentence of its own.
      if (!/^Skipped\. .*\.\n$/.test(output)) expect(output.trim().split('\n').length).toBeGreaterThan(2);
    },
    60_000,
  );
});
