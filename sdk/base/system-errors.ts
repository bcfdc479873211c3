import { printable } from './text.ts';

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
  EFBIG: 'the file would be larger than the system allows',
  EIO: 'the disk reports an error',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EXDEV: 'it lies on another disk',
  EADDRINUSE: 'the address is in use',
  EADDRNOTAVAIL: 'this host does not have the address',
  EAFNOSUPPORT: 'this host does not have addresses of that kind',
  ECONNREFUSED: 'no program listens there',
  ECONNRESET: 'the other side cut the connection',
  EPIPE: 'the other side has closed',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'the name of the host is unknown',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  ETIMEDOUT: 'the other side does not answer',
};

/** The code of an error of the system, `ENOSPC`; an empty text for other values. */
export const systemCodeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause ? String(cause.code) : '';

/** The reason of an error of the system if it is a known one. */
export function knownReason(code: string): string | undefined {
  return Object.hasOwn(reasons, code) ? reasons[code] : undefined;
}

/** The reason of an error of the system as a part of a sentence. */
export function reasonOf(cause: unknown): string {
  const known = knownReason(systemCodeOf(cause));
  return known ?? printable((cause instanceof Error ? cause.message : String(cause)).slice(0, 200));
}
