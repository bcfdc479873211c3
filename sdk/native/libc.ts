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

/**
 * Mapped bytes of this process. After `unmap` what still has the mapping finds it empty. A view that was handed out cannot be taken
 * back, and a read of unmapped memory ends the process. So private zeros, which cost nothing, are there until the last view is collected.
 */
export class Mapping {
  bytes: Uint8Array;
  view: DataView;
  readonly hostAddress: number;
  private isMapped = true;

  constructor(
    private readonly libc: BasicLibc,
    private readonly address: bigint,
    private readonly length: number,
    size = length,
  ) {
    const buffer = libc.view(address, length);
    this.bytes = new Uint8Array(buffer, 0, size);
    this.view = new DataView(buffer, 0, size);
    this.hostAddress = Number(address);
  }

  unmap(): void {
    if (!this.isMapped) return;
    this.isMapped = false;
    const { libc, address, length } = this;
    const flags = MapFlag.Private | MapFlag.Anonymous | MapFlag.NoReserve | MapFlag.Fixed;
    libc.mmap(address, length, Protection.ReadWrite, flags, -1, 0);
    unusedViews.register(this.view.buffer, () => libc.munmap(address, length));
    this.bytes = new Uint8Array(0);
    this.view = new DataView(new ArrayBuffer(0));
  }
}

const unusedViews = new FinalizationRegistry<() => void>((unmap) => unmap());

/** koffi ends the process at a view of more than 4 GiB. */
const LargestView = 0x8000_0000;

/** Maps `length` bytes of a file from `offset` on, both whole pages; the file has them. Undefined: see errno. */
export function mapFile(
  libc: BasicLibc,
  fd: number,
  offset: number,
  length: number,
  isWritable: boolean,
): Mapping[] | undefined {
  const protection = isWritable ? Protection.ReadWrite : Protection.Read;
  const address = libc.mmap(0n, length, protection, MapFlag.Shared, fd, offset);
  if (address === MapFailed) return undefined;
  return Array.from({ length: Math.ceil(length / LargestView) }, (_, piece) => {
    const at = piece * LargestView;
    return new Mapping(libc, address + BigInt(at), Math.min(LargestView, length - at));
  });
}
