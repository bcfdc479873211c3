import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { BackplaneError, describeThrown } from '../../base/errors.ts';
import { KiB } from '../../memory/address-range.ts';
import { statusOf } from '../files.ts';
import { shellWord } from '../text.ts';
import { describeFile, readText } from './bundle.ts';

const packageName = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;
const sourceFile = /\.(?:[cm]?[jt]s)$/;
const usualEntries = ['index.ts', 'src/index.ts', 'index.js', 'src/index.js'];
const LargestDescription = 256 * KiB;

/** The file that `-plugin` means: one that it names, or the entry of a directory or of an installed package. */
export function findEntry(given: string): string {
  const refuse = (why: string): never => {
    throw new BackplaneError(`-plugin ${given}: ${why}`);
  };
  if (given === '' || given.includes('\0')) return refuse('not a name. Give a .ts file, a directory or a package.');
  if (/^[a-z][a-z0-9+]*:/i.test(given)) return refuse('plugins are loaded from files, not from addresses.');
  const found = statusOf(given, (why) => new BackplaneError(`-plugin ${given}: ${why}`));
  if (found !== undefined) return entryOfPath(realpathSync(given), refuse);
  if (/^[./\\~]/.test(given) || sourceFile.test(given)) return refuse(`there is no such file.${meant(given)}`);
  if (!packageName.test(given)) return refuse('neither a file nor the name of a package.');
  const folder = findPackage(given);
  if (folder === undefined) {
    return refuse(
      `no such file, and no package of that name in node_modules here or above. Write ./${shellWord(given, 'NAME')} for a file.`,
    );
  }
  return entryOfPath(realpathSync(folder), refuse);
}

/** The one that is there when an ending was forgotten, or another one written. */
function meant(given: string): string {
  const bare = given.replace(/\.[cm]?[jt]sx?$/, '');
  const found = ['.ts', '.js', '.mts', '.mjs'].map((ending) => bare + ending).find((path) => describeFile(path).isFile);
  return found === undefined ? '' : ` Did you mean '${found}'?`;
}

type Refuse = (why: string) => never;

function entryOfPath(path: string, refuse: Refuse): string {
  if (statSync(path).isDirectory()) return entryOfDirectory(path, refuse);
  if (!describeFile(path).isFile) return refuse('it is neither a file nor a directory.');
  return sourceFile.test(path) ? path : refuse('not a source file. Give one that ends in .ts or .js.');
}

function entryOfDirectory(folder: string, refuse: Refuse): string {
  const declared = declaredEntry(folder, refuse);
  if (declared?.includes('\0')) return refuse('its package.json names what cannot be the name of a file.');
  const names = declared === undefined ? usualEntries : [declared];
  const found = names.map((name) => resolve(folder, name)).find((path) => describeFile(path).isFile);
  if (found === undefined) {
    return refuse(
      declared === undefined
        ? `the directory has no package.json that says where to begin, and none of ${usualEntries.join(', ')}.`
        : `its package.json names '${declared}', and there is no such file.`,
    );
  }
  const entry = realpathSync(found);
  if (!entry.startsWith(folder + sep)) return refuse(`its package.json names '${declared}', which lies outside of it.`);
  return entryOfPath(entry, refuse);
}

/** What package.json says: its `exports`, or `module`, or `main`. */
function declaredEntry(folder: string, refuse: Refuse): string | undefined {
  const file = join(folder, 'package.json');
  if (!describeFile(file).isFile) return undefined;
  if (describeFile(file).size > LargestDescription) return refuse('its package.json is too large to be one.');
  let description: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(readText(file));
    description = typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch (cause) {
    return refuse(`its package.json cannot be read: ${describeThrown(cause)}.`);
  }
  const { exports, module, main } = description;
  return mainExport(exports, 0) ?? [module, main].find((value): value is string => typeof value === 'string');
}

/** `"./x.js"`, `{ ".": ... }` and `{ "import": ..., "default": ... }`, one in another. */
function mainExport(exports: unknown, depth: number): string | undefined {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null || depth > 8) return undefined;
  const branches = exports as Record<string, unknown>;
  for (const key of ['.', 'backplane', 'import', 'node', 'default', 'require']) {
    const found = Object.hasOwn(branches, key) ? mainExport(branches[key], depth + 1) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function findPackage(name: string): string | undefined {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name);
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return undefined;
  }
}
