import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BackplaneError } from '../../base/errors.ts';
import { moduleExtension, packageRoot, statusOf } from '../files.ts';
import { shellWord } from '../text.ts';

/** The specifier of "backplane" in a new package.json: the source from which this command was installed. */
export function ownSpecifier(version: string): string {
  const folder = realpathSync(fileURLToPath(packageRoot));
  if (moduleExtension === 'ts') return `file:${folder}`;
  return installedFrom(dirname(folder)) ?? version;
}

/** npm records in node_modules the source of each package. A path is relative to the project. */
function installedFrom(modules: string): string | undefined {
  try {
    const lock = JSON.parse(readFileSync(resolve(modules, '.package-lock.json'), 'utf8')) as LockFile;
    const resolved = lock.packages?.['node_modules/backplane']?.resolved;
    if (resolved?.startsWith('file:') !== true) return undefined;
    const path = resolve(dirname(modules), resolved.slice('file:'.length));
    return existsSync(path) ? `file:${path}` : undefined;
  } catch {
    // Another package manager, or none: use the version.
    return undefined;
  }
}

interface LockFile {
  readonly packages?: Readonly<Record<string, { readonly resolved?: string } | undefined>>;
}

/** `-backplane SPEC`: a path becomes absolute, since the project is in another folder. Other specifiers are for npm. */
export function givenSpecifier(given: string): string {
  const path = given.replace(/^file:/, '');
  if (/^(?:file:|\.{0,2}\/|\.{1,2}$)|\.tgz$/.test(given) && !/^https?:/.test(given)) {
    const found = statusOf(path, (code, why) => new BackplaneError(code, `-backplane ${given}: ${why}`));
    if (found === undefined)
      throw new BackplaneError(
        'file-not-found',
        `-backplane ${given}: there is no such file. Give a tarball, a folder or a version.`,
      );
    if (found.isDirectory() && packageName(path) !== 'backplane')
      throw new BackplaneError(
        'invalid-package-specifier',
        `-backplane ${given}: there is no package.json of backplane in that folder.`,
      );
    return `file:${realpathSync(path)}`;
  }
  const [, name, version] = /^((?:@[\w.-]+\/)?[\w.-]+)@(.*)$/.exec(given) ?? [];
  if (name !== undefined) {
    const instead =
      name === 'backplane'
        ? `the version alone: -backplane ${shellWord(version ?? '', 'VERSION')}`
        : `-backplane npm:${shellWord(given, 'NAME')}`;
    throw new BackplaneError(
      'invalid-package-specifier',
      `-backplane ${given}: this is a dependency's name and version behind "backplane" in package.json; write ${instead}.`,
    );
  }
  if (/^[A-Za-z0-9^~<>=*@][A-Za-z0-9^~<>=*.|@:/+#_-]*$/.test(given)) return given;
  throw new BackplaneError(
    'invalid-package-specifier',
    `-backplane ${given}: not a specifier. Give a tarball, a folder or a version.`,
  );
}

/** The folder of a specifier, if that is a checkout without the compiled files which a project imports. */
export function unbuiltCheckout(specifier: string): string | undefined {
  const folder = specifier.replace(/^file:/, '');
  const isFolder = folder !== specifier && statSync(folder).isDirectory();
  return isFolder && !existsSync(resolve(folder, 'dist')) ? folder : undefined;
}

function packageName(folder: string): unknown {
  try {
    return (JSON.parse(readFileSync(resolve(folder, 'package.json'), 'utf8')) as { readonly name?: unknown }).name;
  } catch {
    return undefined;
  }
}
