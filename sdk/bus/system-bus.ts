import { Device } from '../device/index.ts';
import type { MemoryRegion, MemoryTopology } from '../memory/index.ts';
import type { BusContainers } from './isa-bus.ts';

/** The board: the roots of memory and ports, and the RAM as one piece. For chipsets, which alias and rearrange them. */
export class SystemBus implements BusContainers {
  readonly topology: MemoryTopology;
  /** The root of the memory space: 'system'. */
  readonly memory: MemoryRegion;
  /** The root of the port space: 'io'. */
  readonly io: MemoryRegion;
  /** All of the machine's RAM. It is not mapped itself: aliases of it are. */
  readonly ram: MemoryRegion;

  constructor({
    topology,
    memory,
    io,
    ram,
  }: BusContainers & { readonly topology: MemoryTopology; readonly ram: MemoryRegion }) {
    this.topology = topology;
    this.memory = memory;
    this.io = io;
    this.ram = ram;
  }
}

/** Performs a reset of the whole machine, at the end of the access that requested it. */
export abstract class ResetController {
  /** `reason` is for people: 'hard reset by the reset control register', 'triple fault'. */
  abstract requestReset(reason: string): void;
}

/** A device that belongs to the board itself, mapped into the machine's own memory and ports: a host bridge, for instance. */
export abstract class SystemDevice extends Device {
  get bus(): 'system' {
    return 'system';
  }
}
