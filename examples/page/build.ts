// Bundles the page into one folder: `npm run page`, then serve the folder, or open it from any static host.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Writes index.html and page.js. What the page shows of the device is its source as it stands. */
export async function buildPage(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  copyFileSync(here('index.html'), `${folder}/index.html`);
  await build({
    entryPoints: [here('page.ts')],
    outfile: `${folder}/page.js`,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    define: { DeviceSource: JSON.stringify(readFileSync(here('../egg-timer.ts'), 'utf8')) },
    logLevel: 'warning',
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = here('dist');
  await buildPage(folder);
  console.log(`${folder}/index.html`);
}
