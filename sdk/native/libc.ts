import type { Koffi } from './koffi.ts';

/** The calls of libc that more than one room makes. Each answers as libc does: -1, and then `errno`. */
export interface BasicLibc {
  /** The error of the last call that answered -1; ask at once. */
  errno(): number;
  close(fd: number): number;
  /** Answers `MapFailed`, and not -1, when it fails. */
  mmap(address: bigint, length: number, protection: number, flags: number, fd: number, offset: number): bigint;
  munmap(address: bigint, length: number): number;
  /** Bytes at an address of this process. What touches it after munmap ends the process. */
  view(address: bigint, length: number): ArrayBuffer;
  eventfd(initial: number, flags: number): number;
  read(fd: number, target: ArrayBufferView, length: number): number;
  /** Waits for descriptors, or for so many milliseconds. */
  poll(descriptors: ArrayBufferView | null, count: number, milliseconds: number): number;
}

/** What mmap answers when it fails: (void *) -1. */
export const MapFailed = 0xffff_ffff_ffff_ffffn;

export const PageSize = 4096;

/** @see sys/mman.h */
export const Protection = { Read: 1, ReadWrite: 3 } as const;
/** @see sys/mman.h */
export const MapFlag = { Shared: 1, Private: 2, Fixed: 0x10, Anonymous: 0x20, NoReserve: 0x4000 } as const;

export function basicLibc(koffi: Koffi): BasicLibc {
  const library = koffi.load(null);
  const call = <Call>(prototype: string) => library.func(prototype) as Call;
  return {
    errno: () => koffi.errno(),
    close: call('int close(int fd)'),
    mmap: call('void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)'),
    munmap: call('int munmap(void *address, size_t length)'),
    view: (address, length) => koffi.view(address, length),
    eventfd: call('int eventfd(unsigned int initial, int flags)'),
    read: call('int64_t read(int fd, void *target, size_t length)'),
    poll: call('int poll(void *fds, unsigned long count, int timeout)'),
  };
}

/** A mapping of this process, and the bytes of it. After `unmap` the views that were handed out are private zeros. */
export class Mapping {
  readonly buffer: ArrayBuffer;
  private isMapped = true;

  constructor(
    private readonly libc: BasicLibc,
    readonly address: bigint,
    readonly length: number,
  ) {
    this.buffer = libc.view(address, length);
  }

  unmap(): void {
    if (!this.isMapped) return;
    this.isMapped = false;
    retire(this.libc, this.address, this.length, this.buffer);
  }
}

/**
 * Gives back what is mapped there. A view of it cannot be taken back, and a read of unmapped memory ends the process. So private zeros,
 * which cost nothing, are in its place until the last view is collected.
 */
export function retire(libc: BasicLibc, address: bigint, length: number, view: ArrayBuffer): void {
  const flags = MapFlag.Private | MapFlag.Anonymous | MapFlag.NoReserve | MapFlag.Fixed;
  libc.mmap(address, length, Protection.ReadWrite, flags, -1, 0);
  unusedViews.register(view, () => libc.munmap(address, length));
}

const unusedViews = new FinalizationRegistry<() => void>((unmap) => unmap());
