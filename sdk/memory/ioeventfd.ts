import type { MemoryRegion } from './memory-region.ts';

/** What a region declares: a write there signals `fd` instead of reaching a handler. */
export interface IoeventfdSpec {
  readonly offset: number;
  /** 0 matches a write of any width. */
  readonly size: number;
  /** Only writes of this value signal. Absent: any value. */
  readonly match?: number | bigint | undefined;
  readonly fd: number;
}

/** The same in an address space. */
export interface Ioeventfd {
  readonly address: number;
  readonly size: number;
  readonly match: bigint | undefined;
  readonly fd: number;
}

export interface PlacedIoeventfd extends Ioeventfd {
  readonly region: MemoryRegion;
}

/** The order in which ioeventfds are kept and compared: address, size, match or not, value, fd. */
export function compareIoeventfds(a: Ioeventfd, b: Ioeventfd): number {
  if (a.address !== b.address) return a.address - b.address;
  if (a.size !== b.size) return a.size - b.size;
  if (a.match !== b.match) {
    if (a.match === undefined) return -1;
    if (b.match === undefined) return 1;
    return a.match < b.match ? -1 : 1;
  }
  return a.fd - b.fd;
}
