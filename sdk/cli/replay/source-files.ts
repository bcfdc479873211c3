import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../files.ts';

/** Where device classes of this package are written: their sources in a checkout, what the build made of them elsewhere. */
const folders = ['devices/', 'dist/devices/'];
const declaration = /^(?:export )?(?:let (\w+) = )?class (\w+)/gm;

let known: ReadonlyMap<string, string> | undefined;

/** The file that a device class is written in, from the package's root; undefined for a class from elsewhere. */
export function sourceFileOf(className: string): string | undefined {
  known ??= readClasses();
  return known.get(className);
}

function readClasses(): Map<string, string> {
  const root = fileURLToPath(packageRoot);
  const folder = folders.map((name) => `${root}${name}`).find((path) => existsSync(path));
  const classes = new Map<string, string>();
  if (folder === undefined) return classes;
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/(?<!\.d)\.(ts|js)$/.test(file)) continue;
    const path = relative(root, `${folder}${file}`)
      .replace(/^dist\//, '')
      .replace(/\.js$/, '.ts');
    for (const [, assigned, name] of readFileSync(`${folder}${file}`, 'utf8').matchAll(declaration)) {
      classes.set(assigned ?? name ?? '', path);
    }
  }
  return classes;
}
