import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { BackplaneError } from '../../base/errors.ts';
import { reasonOf } from '../../base/system-errors.ts';
import type { SharedMemory } from '../link.ts';
import { Errno } from '../protocol.ts';
import type { MapRequest } from '../requests.ts';

/** Guest memory as a file that QEMU has too, by its name. */
export class RamFile {
  private constructor(
    private readonly fd: number,
    private readonly size: number,
  ) {}

  static open(path: string): RamFile {
    try {
      const fd = openSync(path, 'r+');
      return new RamFile(fd, fstatSync(fd).size);
    } catch (cause) {
      throw new BackplaneError(
        'ram-file',
        `serve: the guest's memory '${path}' cannot be opened (${reasonOf(cause)}). Make the file with the size of the guest's memory, and ` +
          'give QEMU its path as mem-path.',
        { cause },
      );
    }
  }

  close(): void {
    closeSync(this.fd);
  }

  /** What the client maps at an offset of the file; undefined where the request means no file. */
  share({ address, offset, size }: MapRequest): SharedMemory | number | undefined {
    // QEMU writes the offset 0 where its memory is no file. Only the guest's first piece has it too.
    if (offset === 0 && address !== 0) return undefined;
    if (offset + size > this.size) return Errno.Invalid;
    return memoryFile(this.fd, offset, () => {});
  }
}

/** Guest memory that is read and written as a file: a client that makes its file shorter fails transfers, and cannot end this process. */
export function memoryFile(fd: number, offset: number, release: () => void): SharedMemory {
  return {
    read: (at, target) => isWhole(() => readSync(fd, target, 0, target.length, offset + at), target.length),
    write: (at, source) => isWhole(() => writeSync(fd, source, 0, source.length, offset + at), source.length),
    release,
  };
}

function isWhole(transfer: () => number, length: number): boolean {
  try {
    return transfer() === length;
  } catch {
    return false;
  }
}
