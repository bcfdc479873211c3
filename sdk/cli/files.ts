import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { BackplaneError } from '../base/errors.ts';
import { knownReason, reasonOf, systemCodeOf } from '../base/system-errors.ts';
import { count } from '../base/text.ts';

/** Makes the error of an option that names a file. */
export type Refuse = (code: string, why: string, cause?: unknown) => Error;

/** A message for an unexplained failure of the file system; undefined for other failures. */
export function explainFileFailure(failure: unknown): string | undefined {
  if (!(failure instanceof Error && 'syscall' in failure && 'code' in failure)) return undefined;
  if (knownReason(systemCodeOf(failure)) === undefined) return undefined;
  const network = 'address' in failure ? `'${String(failure.address)}'` : 'a file';
  const path = 'path' in failure ? `'${String(failure.path)}'` : network;
  return `${path} cannot be used (${reasonOf(failure)}; ${String(failure.syscall)}).`;
}

/** The status of a path; undefined if it does not exist. */
export function statusOf(path: string, refusal: Refuse): Stats | undefined {
  return attempt(
    () => statSync(path, { throwIfNoEntry: false }),
    (cause) => refusal('file-not-readable', `its path cannot be followed (${reasonOf(cause)}).`, cause),
  );
}

/**
 * The bytes of a regular file, as many as it has when it is opened. One of unknown length, as in /proc, has none; what has taken
 * its place since it was looked at is not waited for.
 */
export function bytesOf(path: string, most: number, refusal: Refuse): Uint8Array {
  return attempt(
    () => {
      const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const found = fstatSync(file);
        const bytes = new Uint8Array(found.isFile() ? Math.min(found.size, most) : 0);
        let length = 0;
        for (let read = -1; read !== 0 && length < bytes.length; length += read) {
          read = readSync(file, bytes, length, bytes.length - length, null);
        }
        return bytes.subarray(0, length);
      } finally {
        closeSync(file);
      }
    },
    (cause) => refusal('file-not-readable', `${reasonOf(cause)}.`, cause),
  );
}

/** All bytes of a regular file, of so many at most. */
export function readWhole(path: string, most: number, refusal: Refuse): Uint8Array {
  const found = statusOf(path, refusal);
  if (found === undefined) throw refusal('file-not-found', 'there is no such file.');
  if (!found.isFile()) throw refusal('not-a-file', 'it is not a file.');
  if (found.size > most) throw refusal('file-too-large', `it has more than ${count(most)} bytes.`);
  return bytesOf(path, most, refusal);
}

export function attempt<T>(work: () => T, explain: (cause: unknown) => unknown): T {
  try {
    return work();
  } catch (cause) {
    throw explain(cause);
  }
}

/** The extension of this file: `ts` in a checkout, `js` in a build under `dist/`. */
export const moduleExtension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** The folder of the running sdk/, devices/ and machines/. */
export const moduleRoot = new URL('../../', import.meta.url);

/** The folder of package.json. */
export const packageRoot = moduleExtension === 'ts' ? moduleRoot : new URL('../', moduleRoot);

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
  if (found.size === 0) return;
  const beginning = bytesOf(path, Beginning, (code, why, cause) =>
    refusal(code, `this file exists and cannot be read: ${why}`, cause),
  );
  if (kind.isOne(Buffer.from(beginning).toString('latin1'))) return;
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
