import type { PciAddress } from '../bus/index.ts';
import type { ClassMetadata, Device, RegionTemplate } from '../device/index.ts';
import type { MemoryRegion } from '../memory/index.ts';
import type { UsedDevice, Wire } from './wiring.ts';

/** A region at an address of a container, as the overlap check compares it. */
export interface MappedRange {
  readonly name: string;
  /** The id of its device; undefined for a region that services have mapped. */
  readonly device: string | undefined;
  readonly start: number;
  readonly size: number;
  readonly priority: number;
  /** The device's option that places it: 'iobase'. */
  readonly option?: string | undefined;
}

/** The address of one region of a device. */
export interface PlannedRegion {
  readonly template: RegionTemplate;
  readonly address: number;
  readonly priority: number;
}

/** One device before it is constructed: all its options, addresses and wires. */
export interface PlannedDevice {
  readonly used: UsedDevice;
  readonly id: string;
  readonly metadata: ClassMetadata;
  /** The given options, of the definition and the command line together. */
  readonly given: Readonly<Record<string, unknown>>;
  /** It cannot be constructed: its options are wrong. */
  readonly faulty: boolean;
  readonly regions: readonly PlannedRegion[];
  readonly wires: ReadonlyMap<string, Wire>;
  /** Set on PCI functions. */
  readonly address: PciAddress | undefined;
}

/** A device that is plugged in already. */
export type PresentDevice = Pick<PlannedDevice, 'id' | 'metadata' | 'address'>;

/** A region of a device, and the container that it is mapped in. */
export interface Mapping extends MappedRange {
  readonly planned: PlannedRegion;
  readonly kind: 'Ports' | 'Memory';
  readonly container: MemoryRegion;
}

/** One device of a machine, with its wiring. */
export class PluggedDevice {
  readonly id: string;
  readonly device: Device;
  readonly metadata: ClassMetadata;
  /** As its definition says. */
  readonly used: UsedDevice;
  /** The given options, also those with the value of their default. */
  readonly given: Readonly<Record<string, unknown>>;
  /** All its options, with defaults. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The regions that the machine maps; those that the device maps itself are not among them. */
  readonly mappings: readonly Mapping[];
  readonly wires: ReadonlyMap<string, Wire>;
  readonly address: PciAddress | undefined;
  /** Disconnect its wires, in the order of `wires`. */
  readonly disconnects: (() => void)[] = [];

  constructor(parts: Omit<PluggedDevice, 'regions' | 'independentOf' | 'disconnects' | 'mapRegions' | 'unmapRegions'>) {
    this.id = parts.id;
    this.device = parts.device;
    this.metadata = parts.metadata;
    this.used = parts.used;
    this.given = parts.given;
    this.options = parts.options;
    this.mappings = parts.mappings;
    this.wires = parts.wires;
    this.address = parts.address;
  }

  /** The regions of its class, mapped or not. */
  get regions(): readonly MemoryRegion[] {
    return this.metadata.regions.map(({ template }) => this.device.region(template));
  }

  /** Maps its regions; only after it was realized. */
  mapRegions(): void {
    for (const { container, planned, start, priority } of this.mappings)
      container.addSubregion(start, this.device.region(planned.template), priority);
  }

  unmapRegions(): void {
    for (const { planned } of this.mappings) {
      const region = this.device.region(planned.template);
      region.container?.removeSubregion(region);
    }
  }

  /** Regions that its class declares independent of the queued writes of `region`. */
  independentOf(region: MemoryRegion): readonly MemoryRegion[] {
    return this.metadata.regions
      .filter(({ template }) => this.device.region(template) === region)
      .flatMap(({ coalesced }) => coalesced.flatMap(({ independent }) => independent ?? []))
      .map((template) => this.device.region(template));
  }
}
