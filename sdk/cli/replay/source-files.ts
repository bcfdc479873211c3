import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../files.ts';

/** The folders of the package's device classes: sources in a checkout, the build elsewhere. */
const folders = ['devices/', 'dist/devices/'];
const declaration = /^(?:export )?(?:let (\w+) = )?class (\w+)/gm;

let known: ReadonlyMap<string, string> | undefined;

/** The file of a device class, relative to the package; undefined for other classes. */
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
