import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What may be bundled for one name, in bytes: minified, packages not counted. */
const sizes = [
  { name: 'bit', entry: 'sdk/index.ts', most: 1_000 },
  { name: 'state', entry: 'sdk/index.ts', most: 4_000 },
  { name: 'addCoalescedIo', entry: 'sdk/index.ts', most: 30_000 },
  { name: 'device', entry: 'sdk/index.ts', most: 30_000 },
  { name: 'portRegion', entry: 'sdk/index.ts', most: 35_000 },
  { name: 'loadX86', entry: 'sdk/x86.ts', most: 45_000 },
  { name: 'Edu', entry: 'devices/index.ts', most: 180_000 },
];

async function bundle(contents: string, external: boolean): Promise<{ bytes: number; packages: readonly string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    ...(external ? { packages: 'external' } : {}),
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const packages = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  return { bytes: outputFiles[0]?.contents.length ?? 0, packages };
}

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

describe('a bundle holds no more than its program uses', () => {
  it.each(sizes)('$name: at most $most bytes', async ({ name, entry, most }) => {
    const { bytes, packages } = await bundle(`export { ${name} } from './${entry}';`, true);
    console.log(`${name.padEnd(15)} ${kilobytes(bytes).padStart(9)} of ${kilobytes(most).padStart(9)}  ${packages}`);
    expect(bytes).toBeLessThanOrEqual(most);
  });

  it.each(['bit', 'state', 'portRegion', 'option'])('%s needs no package', async (name) => {
    expect((await bundle(`export { ${name} } from './sdk/index.ts';`, true)).packages).toEqual([]);
  });

  it('inversify is counted apart', async () => {
    const { bytes } = await bundle("export { inject, optional } from 'inversify';", false);
    console.log(`inversify       ${kilobytes(bytes).padStart(9)}`);
    expect(bytes).toBeLessThanOrEqual(60_000);
  });
});
