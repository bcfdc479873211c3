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
import { packageRoot, reasonOf } from '../files.ts';

const templates = fileURLToPath(new URL('sdk/cli/templates/', packageRoot));
const suffix = '.template';

/** The files of a new project by path. */
export function renderProject(kind: string, values: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const folder of ['project', kind]) {
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
