// @module-tag browser

import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../needs.ts';
import { openPage, startBrowser, whyNoBrowser } from './chromium.ts';
import { exercise, type Outcome } from './core.ts';
import { StrictPolicy, servePages } from './pages.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

async function bundle(contents: string, external: readonly string[] = []): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    external: [...external],
    tsconfig: `${root}tsconfig.json`,
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

const everything = ['sdk/index', 'sdk/runtime', 'sdk/testing/index', 'devices/index', 'machines/index']
  .map((entry, index) => `export * as entry${index} from './${entry}.ts';`)
  .join('\n');

describe('the core, bundled for a page', () => {
  it('needs less than 330 kB with gzip, its dependencies not counted', async () => {
    const own = gzipSync(await bundle(everything, ['inversify', 'reflect-metadata', 'fflate'])).length;
    const all = gzipSync(await bundle(everything)).length;
    console.log(`gzip: ${(own / 1000).toFixed(1)} kB of our own, ${(all / 1000).toFixed(1)} kB with all dependencies`);
    expect(own).toBeLessThan(330_000);
  });

  it('needs at most 60 kB more for the processor of machine code, its wasm not counted', async () => {
    const without = gzipSync(await bundle(everything)).length;
    const more = gzipSync(await bundle(`${everything}\nexport * as x86 from './sdk/x86.ts';`)).length - without;
    const alone = gzipSync(await bundle("export * from './sdk/x86.ts';")).length;
    console.log(
      `gzip: the processor ${(alone / 1000).toFixed(1)} kB alone, ${(more / 1000).toFixed(1)} kB beside the core`,
    );
    expect(more).toBeGreaterThan(1000);
    expect(alone).toBeLessThanOrEqual(60_000);
  });
});

describe('the core in Chromium', needs('browser', whyNoBrowser), () => {
  let browser: Browser;
  let files: ReadonlyMap<string, string>;
  let inNode: Outcome;

  beforeAll(async () => {
    const script = `import { exercise } from './test/browser/core.ts';
      const show = (name, value) => { document.body.dataset[name] = value; };
      try { show('outcome', JSON.stringify(exercise())); } catch (error) { show('failure', String(error.stack)); }`;
    files = new Map([
      ['index.html', '<!doctype html><title>core</title><body><script type="module" src="core.js"></script>'],
      ['core.js', await bundle(script)],
    ]);
    inNode = exercise();
    browser = await startBrowser();
  });

  afterAll(async () => await browser?.close());

  it.each([
    ['without a policy', undefined],
    [`under the policy ${StrictPolicy}`, StrictPolicy],
  ])(
    '%s counts, saves, restores and checks as in Node',
    async (_, policy) => {
      const served = await servePages(files, policy);
      const [page, complaints] = await openPage(browser, served.address);
      const ended = page.waitForSelector('body[data-outcome], body[data-failure]', {
        state: 'attached',
        timeout: 90_000,
      });
      await Promise.race([ended, page.waitForEvent('pageerror', { timeout: 90_000 })]).catch(() => {});
      const { outcome, failure } = await page.evaluate<Record<string, string>>('({ ...document.body.dataset })');
      await page.close();
      await served.close();
      expect({ failure, complaints }).toEqual({ complaints: [] });
      const inPage = JSON.parse(outcome as string) as Outcome;
      expect(inPage).toEqual(inNode);
      expect(inPage.findings).toEqual([]);
      expect(inPage.restored).toBe(inPage.snapshot);
    },
    180_000,
  );
});
