import { closeSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { printable } from '../base/text.ts';

/** The error codes of the system as text. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied',
  EPERM: 'that is not permitted',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open',
  EXDEV: 'it lies on another disk',
};

/** Makes the error of an option that names a file. */
export type Refuse = (code: string, why: string, cause?: unknown) => Error;

/** The reason of a failure of the file system. */
export function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const known = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
  return known ?? printable((cause instanceof Error ? cause.message : String(cause)).slice(0, 200));
}

/** A message for an unexplained failure of the file system; undefined for other failures. */
export function explainFileFailure(failure: unknown): string | undefined {
  if (!(failure instanceof Error && 'syscall' in failure && 'code' in failure)) return undefined;
  if (!Object.hasOwn(reasons, String(failure.code))) return undefined;
  const path = 'path' in failure ? `'${String(failure.path)}'` : 'a file';
  return `${path} cannot be used (${reasonOf(failure)}; ${String(failure.syscall)}).`;
}

/** The status of a path; undefined if it does not exist. */
export function statusOf(path: string, refusal: Refuse): Stats | undefined {
  return attempt(
    () => statSync(path, { throwIfNoEntry: false }),
    (cause) => refusal('file-not-readable', `its path cannot be followed (${reasonOf(cause)}).`, cause),
  );
}

/** The first bytes of a file, as Latin-1 text. */
export function beginningOf(path: string, bytes: number, refusal: Refuse): string {
  return attempt(
    () => {
      const file = openSync(path, 'r');
      try {
        const start = Buffer.alloc(bytes);
        return start.toString('latin1', 0, readSync(file, start));
      } finally {
        closeSync(file);
      }
    },
    (cause) => refusal('file-not-readable', `this file exists and cannot be read (${reasonOf(cause)}).`, cause),
  );
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
