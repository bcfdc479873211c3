import type { AddressSpace } from './address-space.ts';
import type { Ioeventfd } from './ioeventfd.ts';
import type { MemoryRegion } from './memory-region.ts';

/** One range of an address space and where it leads. */
export interface MemorySection {
  /** Absent on the ranges of a flat view, which several spaces may share; present in everything a listener hears. */
  readonly space?: AddressSpace | undefined;
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

/** A section as listeners hear it: always of one address space. */
export interface ListenedSection extends MemorySection {
  readonly space: AddressSpace;
}

/**
 * What others may hear about the map. Lower priorities hear additions first and removals last; the ioeventfd pair is
 * the other way round (additions: highest first), as in QEMU.
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
  /** Asked for what the guest stored: answer by `section.region.dirty.mark...`. */
  logSync?(section: ListenedSection): void;
  coalescedIoAdd?(section: ListenedSection, start: number, size: number): void;
  coalescedIoDel?(section: ListenedSection, start: number, size: number): void;
  eventfdAdd?(section: ListenedSection, eventfd: Ioeventfd): void;
  eventfdDel?(section: ListenedSection, eventfd: Ioeventfd): void;
}

export const ListenerPriority = { Min: 0, Accelerator: 10, DeviceBackend: 10 } as const;
