import type { PciAddress } from '../bus/index.ts';
import { isMadeLate } from '../clock/index.ts';
import type { Device, DeviceBlueprint } from '../device/index.ts';
import {
  AddressSpace,
  BackplaneError,
  MemoryRegion,
  MemoryTopology,
  type RamBlock,
  WholeSpace,
} from '../memory/index.ts';
import { MachineBoard } from './machine-board.ts';
import type { MachineOptionValues } from './machine-definition.ts';
import { RamOwners } from './ram-owners.ts';
import type { UsedDevice, Wire } from './wiring.ts';
import type { Mapping } from './wiring-check.ts';

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
  /** How its wires are taken off again. */
  readonly cuts: (() => void)[] = [];

  constructor(parts: Omit<PluggedDevice, 'regions' | 'independentOf' | 'cuts'>) {
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

  /** Regions that its class declared independent of what `region` queues. */
  independentOf(region: MemoryRegion): readonly MemoryRegion[] {
    return this.blueprint.regions
      .filter(({ template }) => this.device.region(template) === region)
      .flatMap(({ coalesced }) => coalesced.flatMap(({ independent }) => independent ?? []))
      .map((template) => this.device.region(template));
  }
}

/** A machine with nothing in it: two roots, two address spaces. */
export class EmptyBoard extends MachineBoard {
  readonly topology: MemoryTopology;
  readonly system: MemoryRegion;
  readonly ports: MemoryRegion;
  readonly memory: AddressSpace;
  readonly io: AddressSpace;
  /** Every block of RAM or ROM that the machine was given, by name; the second of a name is numbered. */
  readonly ramBlocks = new Map<string, RamBlock>();
  readonly ramOwners = new RamOwners();

  constructor(
    allocateRam: MemoryTopology['allocateRam'],
    readonly ramSize: number,
    readonly options: MachineOptionValues,
  ) {
    super();
    this.topology = new MemoryTopology();
    this.topology.allocateRam = (size, name) => {
      const inherited = this.ramOwners.inherit(name, size);
      if (inherited !== undefined) return inherited;
      if (isMadeLate(this.topology.handlerDepth > 0)) throw lateRam(name);
      const block = allocateRam(size, name);
      const fullName = this.ramOwners.fullName(name);
      let unique = fullName;
      for (let number = 2; this.ramBlocks.has(unique); number++) unique = `${fullName}-${number}`;
      this.ramBlocks.set(unique, block);
      this.ramOwners.note(name, size, block);
      return block;
    };
    this.system = MemoryRegion.container(this.topology, 'system', WholeSpace);
    this.ports = MemoryRegion.unassignedPorts(this.topology, 'io');
    this.memory = new AddressSpace(this.topology, 'memory', this.system);
    this.io = new AddressSpace(this.topology, 'I/O', this.ports);
  }

  /**
   * Gives the memory back to the host at once. The container keeps what it made until the present job of the event loop ends, and
   * a loop that makes machines would hold the memory of all of them.
   */
  dispose(): void {
    for (const { bytes } of this.ramBlocks.values()) {
      const { buffer } = bytes;
      if (buffer instanceof ArrayBuffer) structuredClone(buffer, { transfer: [buffer] });
    }
    this.ramBlocks.clear();
    for (const space of [...this.topology.addressSpaces]) space.dispose();
  }

  /** The device is gone, and its RAM with it, but for what another one has inherited from it, or left to it. */
  forgetRamOf(device: Device, other?: Device): void {
    const kept = other === undefined ? [] : this.ramOwners.blocksOf(other);
    const blocks = this.ramOwners.blocksOf(device).filter((block) => !kept.includes(block));
    for (const [name, block] of this.ramBlocks) if (blocks.includes(block)) this.ramBlocks.delete(name);
  }
}

function lateRam(name: string): BackplaneError {
  return new BackplaneError(
    `RAM '${name}' is made by a device that runs already, in a handler, a hook, a callback or reset(): a guest could make more and ` +
      'more of it, and no snapshot could bring it back. Make it in onRealize(), and map it here.',
  );
}
