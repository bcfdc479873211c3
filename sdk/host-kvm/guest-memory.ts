import { HostFailure } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import type { RamBlock } from '../memory/index.ts';
import { MapFailed, MapFlag, Mapping, PageSize, Protection } from '../native/libc.ts';
import type { Libc } from './libc.ts';

/** Zeroed memory of this process; the host commits a page when it is first touched. */
export function mapAnonymous(libc: Libc, size: number, name: string): Mapping {
  const length = Math.max(1, Math.ceil(size / PageSize)) * PageSize;
  const flags = MapFlag.Private | MapFlag.Anonymous | MapFlag.NoReserve;
  const address = libc.mmap(0n, length, Protection.ReadWrite, flags, -1, 0);
  if (address === MapFailed) {
    throw new HostFailure(
      'no-guest-memory',
      `-accel kvm: the host has no ${hex(length)} bytes for '${name}': errno ${libc.errno()}. Give the machine less RAM.`,
    );
  }
  return new Mapping(libc, address, length);
}

/** Memory that the file descriptor of a vCPU maps; undefined if it cannot. */
export function mapShared(libc: Libc, fd: number, length: number): Mapping | undefined {
  const address = libc.mmap(0n, length, Protection.ReadWrite, MapFlag.Shared, fd, 0);
  return address === MapFailed ? undefined : new Mapping(libc, address, length);
}

/** RAM of a guest: the block and its mapping end together. What still has the block finds it empty then. */
class HostRamBlock implements RamBlock {
  bytes: Uint8Array;
  view: DataView;
  readonly hostAddress: number;

  constructor(
    private readonly mapping: Mapping,
    size: number,
  ) {
    this.bytes = new Uint8Array(mapping.buffer, 0, size);
    this.view = new DataView(mapping.buffer, 0, size);
    this.hostAddress = Number(mapping.address);
  }

  release(): void {
    this.bytes = new Uint8Array(0);
    this.view = new DataView(new ArrayBuffer(0));
    this.mapping.unmap();
  }
}

/** Memory whose address the kernel is given: guest RAM, and the bitmap of a dirty log. */
export class GuestMemory {
  private readonly blocks = new Set<RamBlock>();

  constructor(private readonly libc: Libc) {}

  allocate(size: number, name: string): RamBlock {
    const block = new HostRamBlock(mapAnonymous(this.libc, size, name), size);
    this.blocks.add(block);
    return block;
  }

  /** A slot that still names it has zeros from here on. */
  release(block: RamBlock): void {
    if (this.blocks.delete(block)) (block as HostRamBlock).release();
  }

  releaseAll(): void {
    for (const block of [...this.blocks]) this.release(block);
  }
}
