import type { AddressRange } from './address-range.ts';
import type { FlatView } from './flat-view.ts';
import type { MemoryRegion } from './memory-region.ts';

/** Delivers the writes that wait in a ring. The accelerator implements it; this room only calls it. */
export interface CoalescedIoFlusher {
  flushCoalescedIo(): void;
}

export const noCoalescedIo: CoalescedIoFlusher = { flushCoalescedIo() {} };

/** Ranges in which a kernel queues writes: addresses of the port space, and of guest memory. */
export interface CoalescedZones {
  readonly ports: readonly AddressRange[];
  readonly memory: readonly AddressRange[];
}

/** Bytes of a region whose writes may be queued. */
export interface CoalescedRange {
  readonly offset: number;
  readonly size: number;
}

/** The part of a declared range that shows through a section, in addresses of its space; undefined if none does. */
export function clipCoalescedRange(
  section: MemorySection,
  range: CoalescedRange,
): { start: number; size: number } | undefined {
  const shifted = range.offset + section.start - section.offsetInRegion;
  const start = Math.max(shifted, section.start);
  const end = Math.min(shifted + range.size, section.start + section.size);
  return end > start ? { start, size: end - start } : undefined;
}

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

/** An address space as the topology and its listeners know it: by what it shows. */
export interface MappedSpace {
  readonly name: string;
  readonly root: MemoryRegion;
  readonly flatView: FlatView;
  /** What is announced to listeners, in addresses of this space. @internal */
  readonly ioeventfds: readonly PlacedIoeventfd[];
  lookup(address: number): MemorySection | undefined;
  /** Empties the space for its listeners and takes it out of the topology. */
  dispose(): void;
  /** From the topology: the map changed. @internal */
  show(view: FlatView): void;
  /** @internal */
  showIoeventfds(eventfds: readonly PlacedIoeventfd[]): void;
  /** From the topology: something that the tables copied from a region changed. @internal */
  forget(): void;
}

/** One range of an address space and where it leads. */
export interface MemorySection {
  /** Absent on the ranges of a flat view, which several spaces may share; present in each section that a listener gets. */
  readonly space?: MappedSpace | undefined;
  readonly region: MemoryRegion;
  readonly start: number;
  readonly size: number;
  /** Where in the region the first byte of the range lies. */
  readonly offsetInRegion: number;
  /** Read-only by the region or by any alias or container on the way to it. */
  readonly readOnly: boolean;
  readonly nonvolatile: boolean;
  readonly romdMode: boolean;
  readonly dirtyLogMask: number;
}

/** A section as listeners get it: always of one address space. */
export interface ListenedSection extends MemorySection {
  readonly space: MappedSpace;
}

/**
 * Called for changes of the map. Listeners of lower priority get additions first and removals last. For ioeventfds it is the
 * other way round, as in QEMU.
 */
export interface MemoryListener {
  readonly name: string;
  readonly priority: number;
  begin?(): void;
  commit?(): void;
  regionAdd?(section: ListenedSection): void;
  regionDel?(section: ListenedSection): void;
  /** A range that the commit left as it was. */
  regionNop?(section: ListenedSection): void;
  logStart?(section: ListenedSection, oldMask: number, newMask: number): void;
  logStop?(section: ListenedSection, oldMask: number, newMask: number): void;
  logGlobalStart?(): void;
  logGlobalStop?(): void;
  /** Reports pages that the guest stored to, by `section.region.dirty.mark...`. */
  logSync?(section: ListenedSection): void;
  coalescedIoAdd?(section: ListenedSection, start: number, size: number): void;
  coalescedIoDel?(section: ListenedSection, start: number, size: number): void;
  eventfdAdd?(section: ListenedSection, eventfd: Ioeventfd): void;
  eventfdDel?(section: ListenedSection, eventfd: Ioeventfd): void;
}

export const ListenerPriority = { Min: 0, Accelerator: 10, DeviceBackend: 10 } as const;
