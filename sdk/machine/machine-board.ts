import type { AddressSpace, MemoryRegion, MemoryTopology } from '../memory/index.ts';
import type { MachineOptionValues } from './machine-definition.ts';

/**
 * What a machine has before anything is plugged in: two empty address spaces, and what was asked for. Service modules
 * take it to lay out memory and ports. Devices do not: they ask for buses.
 */
export abstract class MachineBoard {
  abstract readonly topology: MemoryTopology;
  /** What the processor's loads and stores reach; its root is the container `system`. */
  abstract readonly memory: AddressSpace;
  /** What IN and OUT reach; its root is `io`, 64 KiB that read all ones. */
  abstract readonly io: AddressSpace;
  abstract readonly system: MemoryRegion;
  abstract readonly ports: MemoryRegion;
  /** Bytes of RAM asked for. */
  abstract readonly ramSize: number;
  /** The machine's own options, defaults filled in. */
  abstract readonly options: MachineOptionValues;
}
