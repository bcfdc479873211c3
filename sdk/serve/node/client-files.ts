import { closeSync, constants, fstatSync, openSync, statfsSync } from 'node:fs';
import { mapFile } from '../../native/libc.ts';
import type { SharedMemory } from '../link.ts';
import { Errno } from '../protocol.ts';
import type { MapRequest } from '../requests.ts';
import { memoryFile } from './memory-file.ts';
import { cannotShrink, isOpenedFor, type SocketLibc } from './socket-calls.ts';

/** @see linux/magic.h, HUGETLBFS_MAGIC */
const HugePages = 0x958458f6;
/** Of one client. QEMU maps a file some twenty times. */
const MostFiles = 256;

/**
 * Memory that a client shares by descriptors. A page behind the end of a file ends the process that touches it, and the client may make
 * its file shorter at any time. So only what is sealed against that is mapped, as QEMU's memory-backend-memfd is. Anything else is read
 * and written as a file, which costs a system call for each transfer.
 */
export class ClientFiles {
  private open = 0;

  constructor(private readonly libc: SocketLibc) {}

  /** An errno where it is refused, or cannot be mapped. The descriptor stays the caller's. */
  share({ offset, size, isWritable }: MapRequest, descriptor: number): SharedMemory | number {
    const { libc } = this;
    // First the seal: a file that has it has at least the size that is seen behind it.
    const isSealed = cannotShrink(libc, descriptor);
    const file = fstatSync(descriptor);
    if (!file.isFile() || file.size < offset + size) return Errno.Invalid;
    if (!isSealed) return this.asFile(offset, isWritable, descriptor);
    const blocks = mapFile(libc, descriptor, offset, size, isWritable);
    if (blocks === undefined) return libc.errno();
    return { blocks, release: () => blocks.forEach((block) => void block.unmap()) };
  }

  private asFile(offset: number, isWritable: boolean, descriptor: number): SharedMemory | number {
    if (!isOpenedFor(this.libc, descriptor, isWritable)) return Errno.Invalid;
    if (this.open >= MostFiles) return Errno.NoSpace;
    const fd = openAgain(descriptor, isWritable);
    if (typeof fd !== 'number') return fd.errno;
    this.open++;
    let isOpen = true;
    return memoryFile(fd, offset, () => {
      if (!isOpen) return;
      isOpen = false;
      this.open--;
      closeSync(fd);
    });
  }
}

/** The client holds the flags of its own descriptor, such as O_APPEND. A lease that it has on the file is not waited for. */
function openAgain(descriptor: number, isWritable: boolean): number | { readonly errno: number } {
  const path = `/proc/self/fd/${descriptor}`;
  try {
    // Files of huge pages have no write(2).
    if (statfsSync(path).type === HugePages) return { errno: Errno.Unsupported };
    return openSync(path, (isWritable ? constants.O_RDWR : constants.O_RDONLY) | constants.O_NONBLOCK);
  } catch {
    return { errno: Errno.Invalid };
  }
}
