import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { BackplaneError } from '../base/errors.ts';
import { attempt, beginningOf, reasonOf, statusOf } from './files.ts';

/** A kind of file that a command writes at a path of the user. */
export interface OutputKind {
  /** The option that names it, `-save`. */
  readonly option: string;
  /** The name of the kind, and an example of a file name. */
  readonly what: string;
  readonly example: string;
  /** Whether a file with this beginning is of the kind. Only such a file is overwritten. */
  isOne(beginning: string): boolean;
}

/** Bytes that are enough to recognize each kind. */
const Beginning = 512;

/** Refuses, before the run, a path that cannot be written, or that has a file of another kind. */
export function checkOutput(kind: OutputKind, path: string): void {
  const { option, what, example } = kind;
  const refusal = refuseBy(kind, path);
  if (path === '' || path.endsWith('/'))
    throw refusal('invalid-file-name', `this is not the name of a file. Give one: ${option} ${example}.`);
  const folder = dirname(path);
  if (statusOf(folder, refusal)?.isDirectory() !== true)
    throw refusal('file-not-found', `there is no folder '${folder}'. Create it first.`);
  attempt(
    () => accessSync(folder, constants.W_OK | constants.X_OK),
    (cause) =>
      refusal('file-not-writable', `nothing can be written into the folder '${folder}' (${reasonOf(cause)}).`, cause),
  );
  const found = statusOf(path, refusal);
  if (found === undefined) {
    const link = attempt(
      () => lstatSync(path, { throwIfNoEntry: false }),
      (cause) => refusal('file-not-readable', `its path cannot be followed (${reasonOf(cause)}).`, cause),
    );
    if (link === undefined) return;
    throw refusal(
      'file-not-found',
      'this link points to a missing file. Create that file, remove the link, or give another name.',
    );
  }
  if (found.isDirectory())
    throw refusal('not-a-file', `this is a folder. Give the name of a file in it: ${join(path, example)}.`);
  if (!found.isFile()) throw refusal('not-a-file', 'this is not a regular file. Give another name.');
  if (found.size === 0 || kind.isOne(beginningOf(path, Beginning, refusal))) return;
  throw refusal(
    'file-exists',
    `this file exists and is not a ${what}, so it is not overwritten. Give another name, or remove it first.`,
  );
}

/** Writes the whole file or nothing. The old file stays until the new one is complete on the disk. */
export function writeOutput(kind: OutputKind, path: string, text: string): void {
  checkOutput(kind, path);
  const refusal = refuseBy(kind, path);
  const found = statusOf(path, refusal);
  // A symbolic link stays a link.
  const target = found === undefined ? path : realpathSync(path);
  // A short name: the longest possible file name must be writable.
  const partial = join(dirname(target), `.backplane-${process.pid}.partial`);
  try {
    rmSync(partial, { force: true });
    const file = openSync(partial, 'wx');
    try {
      // The new file has the permissions of the old one.
      if (found !== undefined) fchmodSync(file, found.mode & 0o777);
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(partial, target);
  } catch (cause) {
    rmSync(partial, { force: true });
    throw refusal('file-not-writable', `it cannot be written (${reasonOf(cause)}). The old file is unchanged.`, cause);
  }
}

const refuseBy =
  ({ option }: OutputKind, path: string) =>
  (code: string, why: string, cause?: unknown): BackplaneError =>
    new BackplaneError(code, `${option} '${path}': ${why}`, { cause });
