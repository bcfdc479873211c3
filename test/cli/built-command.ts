import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
/** What an installed package has beside its built modules. */
const beside = ['package.json', 'sdk/cli/backplane'];
const linked = ['node_modules', 'examples'];

/**
 * The package in this folder as an installed one, built from the sources of the checkout. Answers the path of its command,
 * which starts in a third of the time of the checkout's.
 */
export function builtCommand(folder: string): string {
  const root = join(folder, 'installed');
  const { outputFiles } = buildSync({
    absWorkingDir: checkout,
    entryPoints: ['sdk', 'devices', 'machines'].flatMap(sourcesIn),
    outbase: '.',
    outdir: join(root, 'dist'),
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    write: false,
  });
  for (const { path, text } of outputFiles)
    write(path, text.replace(/(\b(?:from|import)[ (]*"\.[^"]*)\.ts"/g, '$1.js"'));
  for (const name of beside) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    copyFileSync(join(checkout, name), join(root, name));
  }
  for (const name of linked) symlinkSync(join(checkout, name), join(root, name));
  return join(root, 'sdk/cli/backplane');
}

function sourcesIn(name: string): string[] {
  const entries = readdirSync(join(checkout, name), { recursive: true, encoding: 'utf8' });
  return entries.filter((entry) => entry.endsWith('.ts')).map((entry) => join(name, entry));
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
