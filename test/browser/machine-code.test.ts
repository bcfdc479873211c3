// @module-tag browser

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { x86Wasm } from '../../sdk/cli/x86-wasm.ts';
import { Boot, BootRam, type FirmwareName, seaBiosFiles, whyNoSeaBios } from '../machines/boots.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { openPage, startBrowser, whyNoBrowser } from './chromium.ts';
import { exercise, type Outcome } from './core.ts';
import type { BootHash, PageFiles } from './machine-code.ts';
import { StrictPolicy, servePages } from './pages.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const WasmPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** The number of instructions that the written hash of a boot counts. */
const instructionsOf = (firmware: FirmwareName): number => {
  const text = readFileSync(new URL(`../machines/access-hashes/${firmware}.txt`, import.meta.url), 'utf8');
  return Number(/^instructions: (\d+)$/m.exec(text)?.[1]);
};

async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    external: ['./files.js'],
    tsconfig: `${root}tsconfig.json`,
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

const imports = [
  '{ bootHash } from ./test/browser/machine-code.ts',
  '{ exercise } from ./test/browser/core.ts',
  'files from ./files.js',
];
const script = `${imports.map((line) => `import ${line.replace(/(\S+)$/, "'$1'")};`).join('\n')}
  const show = (name, value) => { document.body.dataset[name] = JSON.stringify(value); };
  const words = new URLSearchParams(location.search);
  const request = { firmware: words.get('firmware'), ram: ${BootRam}, instructions: Number(words.get('instructions')) };
  try { show('boot', await bootHash(files, request)); } catch ({ code, message }) { show('refused', { code, message }); }
  if (words.has('core')) show('core', exercise());
  show('ended', true);`;

describe('machine code in Chromium', needs('browser', whyNoBrowser ?? whyNoX86()), () => {
  let browser: Browser;
  let files: ReadonlyMap<string, string>;

  beforeAll(async () => {
    const seaBios = whyNoSeaBios() === undefined ? seaBiosFiles() : undefined;
    const inPage: PageFiles = {
      wasm: base64(x86Wasm()),
      firmware: seaBios && base64(seaBios['bios-256k.bin']),
      vgaBios: seaBios && base64(seaBios['vgabios-stdvga.bin']),
    };
    files = new Map([
      ['index.html', '<!doctype html><title>boot</title><body><script type="module" src="boot.js"></script>'],
      ['boot.js', await bundle(script)],
      ['files.js', `export default ${JSON.stringify(inPage)};`],
    ]);
    browser = await startBrowser();
  });

  afterAll(async () => await browser?.close());

  /** What a page shows at its end, and what it complains of. */
  async function look(policy: string, words: Record<string, string>): Promise<[Record<string, unknown>, string[]]> {
    const served = await servePages(files, policy);
    const [page, complaints] = await openPage(browser, `${served.address}?${new URLSearchParams(words)}`);
    const ended = page.waitForSelector('body[data-ended]', { state: 'attached', timeout: 150_000 });
    await Promise.race([ended, page.waitForEvent('pageerror', { timeout: 150_000 })]).catch(() => {});
    const shown = await page.evaluate<Record<string, string>>('({ ...document.body.dataset })');
    await page.close();
    await served.close();
    return [Object.fromEntries(Object.entries(shown).map(([name, text]) => [name, JSON.parse(text)])), complaints];
  }

  for (const firmware of ['own', 'seabios'] as const) {
    const missing = firmware === 'seabios' ? whyNoSeaBios() : undefined;
    it(
      `does the accesses that it does in Node, under the policy ${WasmPolicy}: ${firmware}`,
      needs('browser', missing),
      async () => {
        const instructions = instructionsOf(firmware);
        const [{ boot, refused }, complaints] = await look(WasmPolicy, {
          firmware,
          instructions: String(instructions),
        });
        expect({ refused, complaints }).toEqual({ refused: undefined, complaints: [] });
        const { hash, log } = (await Boot.create(firmware)).run(instructions);
        const { digest, accesses } = hash;
        expect(boot as BootHash).toEqual({ digest, accesses, log });
        expect(accesses).toBeGreaterThan(10_000);
      },
    );
  }

  it("is refused by one sentence without 'wasm-unsafe-eval', and everything else runs", async () => {
    const [{ refused, boot, core }] = await look(StrictPolicy, { firmware: 'own', instructions: '1', core: '' });
    expect(boot).toBeUndefined();
    expect(refused).toEqual({
      code: 'wasm-blocked',
      message: expect.stringMatching(
        /^The processor: [^\n]*'wasm-unsafe-eval' in script-src of its Content-Security-Policy\.$/,
      ),
    });
    expect(core as Outcome).toEqual(exercise());
  });
});
