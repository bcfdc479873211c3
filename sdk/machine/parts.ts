import type { PciAddress } from '../bus/index.ts';
import type { Device, DeviceBlueprint, RegionTemplate } from '../device/index.ts';
import type { MemoryRegion } from '../memory/index.ts';
import type { OptionValues, UsedDevice, Wire } from './wiring.ts';

/** A region at its place in some container: what the overlap check compares. */
export interface MappedRange {
  readonly name: string;
  /** The id of the device it belongs to; undefined for what the machine's services mapped. */
  readonly device: string | undefined;
  readonly start: number;
  readonly size: number;
  readonly priority: number;
  /** The device's option that says where it is: 'iobase'. */
  readonly option?: string | undefined;
}

/** Where one region of a device goes. */
export interface PlannedRegion {
  readonly template: RegionTemplate;
  readonly address: number;
  readonly priority: number;
}

/** One device as it will be built: everything looked up and defaulted, nothing made. */
export interface PlannedDevice {
  readonly used: UsedDevice;
  readonly id: string;
  readonly blueprint: DeviceBlueprint;
  /** What was given, the definition's and the command line's together. */
  readonly given: OptionValues;
  /** Cannot be constructed: its options are wrong. */
  readonly faulty: boolean;
  readonly regions: readonly PlannedRegion[];
  readonly wires: ReadonlyMap<string, Wire>;
  /** Set on PCI functions. */
  readonly address: PciAddress | undefined;
}

/** A device that is plugged in already. */
export type PresentDevice = Pick<PlannedDevice, 'id' | 'blueprint' | 'address'>;

/** A region of a device on its way to its place. */
export interface Mapping extends MappedRange {
  readonly planned: PlannedRegion;
  readonly kind: 'Ports' | 'Memory';
  readonly container: MemoryRegion;
}

/** One device of a machine, and how it is plugged in. */
export class PluggedDevice {
  readonly id: string;
  readonly device: Device;
  readonly blueprint: DeviceBlueprint;
  /** How it was asked for: places, wires. */
  readonly used: UsedDevice;
  /** The options that were given, those with the value of their default too. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Its options as the device got them, defaults filled in. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Where the machine mapped its regions; what the device maps itself is not among them. */
  readonly mappings: readonly Mapping[];
  /** Where its pins go. */
  readonly wires: ReadonlyMap<string, Wire>;
  readonly address: PciAddress | undefined;
  /** Take its wires off again, in the order of `wires`. */
  readonly disconnects: (() => void)[] = [];

  constructor(parts: Omit<PluggedDevice, 'regions' | 'independentOf' | 'disconnects' | 'mapRegions' | 'unmapRegions'>) {
    this.id = parts.id;
    this.device = parts.device;
    this.blueprint = parts.blueprint;
    this.used = parts.used;
    this.given = parts.given;
    this.options = parts.options;
    this.mappings = parts.mappings;
    this.wires = parts.wires;
    this.address = parts.address;
  }

  /** The regions of its class, mapped or not. */
  get regions(): readonly MemoryRegion[] {
    return this.blueprint.regions.map(({ template }) => this.device.region(template));
  }

  /** Puts its regions where the machine maps them; only after it was realized. */
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

  /** Regions that its class declared independent of what `region` queues. */
  independentOf(region: MemoryRegion): readonly MemoryRegion[] {
    return this.blueprint.regions
      .filter(({ template }) => this.device.region(template) === region)
      .flatMap(({ coalesced }) => coalesced.flatMap(({ independent }) => independent ?? []))
      .map((template) => this.device.region(template));
  }
}
