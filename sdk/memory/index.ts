export * from './access-attributes.ts';
export * from './address-range.ts';
export { AddressSpace } from './address-space.ts';
export { atomicLoad16, atomicStore16, fullFence } from './atomic-access.ts';
export type { FlatRange, FlatView } from './flat-view.ts';
export {
  type CoalescedIoFlusher,
  type CoalescedRange,
  type CoalescedZones,
  clipCoalescedRange,
  type Ioeventfd,
  type IoeventfdSpec,
  type ListenedSection,
  ListenerPriority,
  type MappedSpace,
  type MemoryListener,
  type MemorySection,
} from './memory-listener.ts';
export { MemoryRegion, type RegionKind } from './memory-region.ts';
export * from './memory-tree.ts';
export { DirtyLog, DirtyLogClient, DirtyPageSize, DirtySnapshot, type RamBlock } from './ram-block.ts';
export { IoGuard, type RegionOptions, type RegionOwner } from './reentrancy-guard.ts';
export type * from './region-access.ts';
export { RegionOps } from './region-ops.ts';
export { type AccessObserver, type DmaObserver, MemoryTopology } from './topology.ts';
