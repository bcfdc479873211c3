import { Device } from '../device/index.ts';
import type { MemoryRegion, MemoryTopology } from '../memory/index.ts';
import { Bus, type BusContainers, type Detach } from './bus.ts';

/** The board: the roots of memory and ports, and the RAM as one piece. For chipsets, which alias and rearrange them. */
export class SystemBus extends Bus implements BusContainers {
  static readonly kind: string = 'system';
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
    super();
    this.topology = topology;
    this.memory = memory;
    this.io = io;
    this.ram = ram;
  }

  override get typeName(): string {
    return 'System';
  }

  override get nameInMachine(): string {
    return 'main-system-bus';
  }

  override get containers(): BusContainers {
    return this;
  }

  attach(): Detach {
    return () => {};
  }
}

/** Performs a reset of the whole machine, at the end of the access that requested it. */
export abstract class ResetController {
  /** `reason` is for people: 'hard reset by the reset control register', 'triple fault'. */
  abstract requestReset(reason: string): void;
}

/** Switches the machine off, at the end of the access that requested it: the run ends, as by `pause`. */
export abstract class PowerController {
  /**
   * `reason` is a sentence for people: 'The guest has switched the machine off.' `status` is the exit status that the guest
   * wants for the host's process, 0 to 255.
   */
  abstract requestPowerOff(reason: string, status?: number): void;
}

/** A device that belongs to the board itself, mapped into the machine's own memory and ports: a host bridge, for instance. */
export abstract class SystemDevice extends Device {
  static readonly plugsInto = SystemBus;
}
