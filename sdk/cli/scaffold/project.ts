import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BackplaneError } from '../../base/errors.ts';
import { reasonOf } from '../../base/system-errors.ts';
import { packageRoot } from '../files.ts';

/** A name in the forms for packages, classes and variables. */
export interface ProjectNames {
  readonly name: string;
  readonly Class: string;
  readonly camel: string;
}

const Longest = 64;
const windowsNames = /^(con|prn|aux|nul|com\d|lpt\d)$/;

/** Checks a name that becomes a folder, a package, a class and a device type. */
export function projectNames(kind: string, name: string, taken: readonly string[]): ProjectNames {
  const refuse = (why: string): never => {
    throw new BackplaneError('invalid-project-name', `new ${kind} '${name}': ${why}`);
  };
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > Longest) {
    return refuse(
      `write lower-case words with dashes between them, such as my-${kind === 'device' ? 'uart' : 'board'}.`,
    );
  }
  if (taken.includes(name)) return refuse('the project needs a package of that name. Choose another.');
  if (windowsNames.test(name)) return refuse('Windows reserves that name. Choose another.');
  const Class = name.replace(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  if (Object.hasOwn(globalThis, Class))
    return refuse(`its class would be ${Class}, which is a global of JavaScript. Choose another.`);
  return { name, Class, camel: `${Class[0]?.toLowerCase()}${Class.slice(1)}` };
}

/** Refuses a name whose class or variable would conflict with an import of the project's files. */
export function refuseImportedNames({ name, Class, camel }: ProjectNames, files: ReadonlyMap<string, string>): void {
  const made = [`class ${Class}`, `const ${camel}Options`];
  for (const text of files.values()) {
    for (const declaration of made.filter((words) => new RegExp(`\\b${words}\\b`).test(text))) {
      const [kind = '', own = ''] = declaration.split(' ');
      for (const [, words = '', from = ''] of text.matchAll(/^import \{([^}]*)\} from '(backplane[^']*)'/gm)) {
        if (!words.split(',').some((word) => word.trim().replace(/^type /, '') === own)) continue;
        throw new BackplaneError(
          'invalid-project-name',
          `new device '${name}': its ${kind} would be ${own}, which the project imports from '${from}'. Choose another.`,
        );
      }
    }
  }
}

const templates = fileURLToPath(new URL('sdk/cli/templates/', packageRoot));
const suffix = '.template';

/** The files of a new project by path: those of a later template replace those of an earlier one. */
export function renderProject(
  kinds: readonly string[],
  values: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const folder of ['project', ...kinds]) {
    const root = join(templates, folder);
    for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
      if (!path.endsWith(suffix)) continue;
      const name = path.slice(0, -suffix.length).replaceAll('__name__', values['name'] ?? '');
      files.set(name, fill(readFileSync(join(root, path), 'utf8'), values, path));
    }
  }
  return files;
}

/** Replaces each `{{word}}` by its value. */
function fill(text: string, values: Readonly<Record<string, string>>, path: string): string {
  return text.replace(/\{\{([@\w/]+)\}\}/g, (_, word: string) => {
    const value = values[word];
    if (value === undefined)
      throw new BackplaneError('template-incomplete', `template '${path}' uses '${word}', which has no value.`);
    return value;
  });
}

/** Writes all files or none: into a temporary folder beside the target, which is then renamed. */
export function writeProject(folder: string, files: ReadonlyMap<string, string>): void {
  const target = resolve(folder);
  const isFree = () => !existsSync(target);
  if (!isFree())
    throw new BackplaneError('file-exists', `'${folder}' exists already. Choose another name, or move the folder.`);
  let shelf: string | undefined;
  try {
    shelf = mkdtempSync(join(dirname(target), `.${basename(target)}-`));
    const draft = join(shelf, 'project');
    for (const [name, text] of files) {
      mkdirSync(dirname(join(draft, name)), { recursive: true });
      writeFileSync(join(draft, name), text);
    }
    renameSync(draft, target);
  } catch (cause) {
    throw new BackplaneError(
      'file-not-writable',
      `'${folder}' cannot be written into '${dirname(target)}' (${reasonOf(cause)}).`,
      {
        cause,
      },
    );
  } finally {
    if (shelf !== undefined) rmSync(shelf, { recursive: true, force: true });
  }
}
