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

/** The file of `-plugin`: a file, or the entry of a directory or an installed package. */
export function findEntry(given: string): string {
  const reject = (code: string, why: string): never => {
    throw new BackplaneError(code, `-plugin ${given}: ${why}`);
  };
  if (given === '' || given.includes('\0'))
    return reject('invalid-file-name', 'not a name. Give a .ts file, a directory or a package.');
  if (/^[a-z][a-z0-9+]*:/i.test(given))
    return reject('invalid-file-name', 'plugins are loaded from files, not from addresses.');
  const found = statusOf(given, (code, why) => new BackplaneError(code, `-plugin ${given}: ${why}`));
  if (found !== undefined) return entryOfPath(realpathSync(given), reject);
  if (/^[./\\~]/.test(given) || sourceFile.test(given))
    return reject('file-not-found', `there is no such file.${meant(given)}`);
  if (!packageName.test(given)) return reject('invalid-file-name', 'neither a file nor the name of a package.');
  const folder = findPackage(given);
  if (folder === undefined) {
    return reject(
      'file-not-found',
      `no such file, and no package of that name in node_modules here or above. Write ./${shellWord(given, 'NAME')} for a file.`,
    );
  }
  return entryOfPath(realpathSync(folder), reject);
}

/** A hint at a file with another extension. */
function meant(given: string): string {
  const bare = given.replace(/\.[cm]?[jt]sx?$/, '');
  const found = ['.ts', '.js', '.mts', '.mjs'].map((ending) => bare + ending).find((path) => describeFile(path).isFile);
  return found === undefined ? '' : ` Did you mean '${found}'?`;
}

type Refuse = (code: string, why: string) => never;

function entryOfPath(path: string, reject: Refuse): string {
  if (statSync(path).isDirectory()) return entryOfDirectory(path, reject);
  if (!describeFile(path).isFile) return reject('not-a-file', 'it is neither a file nor a directory.');
  return sourceFile.test(path)
    ? path
    : reject('not-a-source-file', 'not a source file. Give one that ends in .ts or .js.');
}

function entryOfDirectory(folder: string, reject: Refuse): string {
  const declared = declaredEntry(folder, reject);
  if (declared?.includes('\0'))
    return reject('invalid-package', 'the entry in its package.json is not a valid file name.');
  const names = declared === undefined ? usualEntries : [declared];
  const found = names.map((name) => resolve(folder, name)).find((path) => describeFile(path).isFile);
  if (found === undefined) {
    return reject(
      'invalid-package',
      declared === undefined
        ? `the directory has no package.json with an entry, and none of ${usualEntries.join(', ')}.`
        : `its package.json names '${declared}', and there is no such file.`,
    );
  }
  const entry = realpathSync(found);
  if (!entry.startsWith(folder + sep))
    return reject('invalid-package', `its package.json names '${declared}', which is outside the directory.`);
  return entryOfPath(entry, reject);
}

/** The entry in package.json: `exports`, `module` or `main`. */
function declaredEntry(folder: string, reject: Refuse): string | undefined {
  const file = join(folder, 'package.json');
  if (!describeFile(file).isFile) return undefined;
  if (describeFile(file).size > LargestDescription) return reject('invalid-package', 'its package.json is too large.');
  let description: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(readText(file));
    description = typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch (cause) {
    return reject('invalid-package', `its package.json cannot be read: ${describeThrown(cause)}.`);
  }
  const { exports, module, main } = description;
  return mainExport(exports, 0) ?? [module, main].find((value): value is string => typeof value === 'string');
}

/** `"./x.js"`, `{ ".": ... }` and `{ "import": ..., "default": ... }`, nested. */
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
