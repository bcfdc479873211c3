import { chmodSync, existsSync, statSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname } from 'node:path';
import { reasonOf } from '../../base/system-errors.ts';
import { atExit } from './at-exit.ts';
import { addressText, type SocketAddress, type SocketRefusal } from './socket-address.ts';

/** Listens. The file of a Unix socket is its owner's alone, and goes with the process. Answers how to remove it sooner. */
export function listenAt(server: Server, address: SocketAddress, refuse: SocketRefusal): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown) =>
      reject(
        refuse('socket-not-opened', `cannot listen at ${addressText(address)} (${whyNot(address, cause)}).`, cause),
      );
    let removeFile = (): void => {};
    server.once('error', failed);
    const restoreMask = 'path' in address ? forOwnerOnly() : () => {};
    server.listen(address, () => {
      server.off('error', failed);
      resolve(removeFile);
    });
    restoreMask();
    if ('path' in address) removeFile = own(address.path);
  });
}

/** The file is there as soon as `listen` has returned, or it never is. */
function own(path: string): () => void {
  try {
    chmodSync(path, 0o600);
    const { ino } = statSync(path);
    return atExit(() => {
      if (statSync(path, { throwIfNoEntry: false })?.ino === ino) unlinkSync(path);
    });
  } catch {
    // Listening has failed, and its error says why.
    return () => {};
  }
}

/** Node says EACCES where a folder is missing. */
const whyNot = (address: SocketAddress, cause: unknown): string =>
  'path' in address && !existsSync(dirname(address.path)) ? 'its folder is not there' : reasonOf(cause);

/** A file that is made now is the owner's alone, from its first moment. Answers how to undo that. */
function forOwnerOnly(): () => void {
  try {
    const before = process.umask(0o177);
    return () => process.umask(before);
  } catch {
    // A worker thread cannot: the mode is set just after.
    return () => {};
  }
}
