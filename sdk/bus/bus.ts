import type { Problem } from '../base/errors.ts';
import { type ClassMetadata, type Device, devicesIn, inDeviceEvent, RegionTemplate } from '../device/index.ts';
import { DevicePart } from '../device/part.ts';
import { partsOf } from '../device/parts.ts';
import type { MemoryRegion, MemoryTopology } from '../memory/index.ts';

/** Where the regions of a bus's devices are mapped. */
export interface BusContainers {
  /** Holds their ports. */
  readonly io: MemoryRegion;
  /** Holds their memory. */
  readonly memory: MemoryRegion;
}

/** A device at an address of a bus. */
export interface Placed<Address = unknown> {
  readonly id: string;
  readonly metadata: ClassMetadata;
  readonly address: Address;
}

/** Takes a device off its bus again. It may be called while a transfer with the device is under way. */
export type Detach = () => void;

/** A region of a device that its bus has mapped, such as a base address register. */
export interface MappedByBus {
  readonly name: string;
  readonly kind: 'Ports' | 'Memory';
  readonly start: number;
  /** Bytes. */
  readonly size: number;
}

/** Registers of a device that the guest reaches by its bus and not by a region: PCI configuration space. */
export interface BusRegisters {
  /** Bytes. */
  readonly size: number;
  read(offset: number, size: number): number;
  write(offset: number, value: number, size: number): void;
  /** Offsets that drivers access more often than others. */
  readonly usual: readonly number[];
  /** The write that a driver would make in place of this one: it leaves the device where it is, and working. */
  tamed(
    offset: number,
    value: number,
    size: number,
  ): { readonly offset: number; readonly value: number; readonly size: number };
  /** The accesses of ports with which a guest does the same, for scripts that are printed. */
  accesses(
    offset: number,
    size: number,
    value: number | undefined,
  ): readonly { readonly port: number; readonly size: number; readonly value: number | undefined }[];
}

/** What a bench makes a bus of. */
export interface BusContext extends BusContainers {
  readonly topology: MemoryTopology;
}

/** The class of a bus. `kind` is a static field: `static readonly kind = 'i2c'`. */
export interface BusClass<B extends Bus = Bus> {
  /** What devices and machines call the bus: 'i2c'. */
  readonly kind: string;
  readonly name: string;
  readonly prototype: B;
  /** Makes one for a device on a bench. Without it: the constructor without arguments. */
  forBench?(around: BusContext): B;
}

/**
 * A bus: the place of devices. It is a service of the machine, or a field of a controller device, where the machine finds it as it
 * finds pins: `readonly i2c = new I2cBus()`. Its fields with `@state` are in the snapshots of the controller, or of the service.
 *
 * The base class of its devices names it: `static readonly plugsInto = I2cBus`. A bus has no import of that class: it knows its
 * devices by an interface.
 */
export abstract class Bus<D extends Device = Device, Address = unknown> extends DevicePart {
  /** How an address is written, for messages: 'slot and function, 00.0 to 1f.7'. Undefined: its devices have no addresses. */
  readonly addressGrammar: string | undefined = undefined;

  /** Its class says it: `static readonly kind = 'i2c'`. */
  get kind(): string {
    return (this.constructor as unknown as BusClass).kind;
  }

  /** Its type in `info qtree`: 'PCI'. */
  get typeName(): string {
    return this.kind;
  }

  /** Its name as a service of the machine: 'pci.0'. The bus of a controller is called by its device and field: 'sbcon.i2c'. */
  get nameInMachine(): string {
    return `${this.kind}.0`;
  }

  /** Further names that `bus=` takes for it: QEMU calls the bus of q35 'pcie.0'. */
  get otherNames(): readonly string[] {
    return [];
  }

  /** Where the regions of its devices are mapped; undefined if they can have none. */
  get containers(): BusContainers | undefined {
    return undefined;
  }

  /** The address that a text such as `addr=0x68` names; undefined if it names none of this bus. */
  parse(_text: string): Address | undefined {
    return undefined;
  }

  format(address: Address): string {
    return String(address);
  }

  /** The address of a device that gives none; undefined if none is left. Absent: each device has to give one. */
  assign?(device: ClassMetadata, taken: readonly Address[]): Address | undefined;

  /** The address of a device that is alone on a bench and gives none. */
  addressOnBench(device: ClassMetadata): Address | undefined {
    return this.assign?.(device, []);
  }

  /** What is wrong with all its devices together. That each address has one device is checked already. */
  check(_devices: readonly Placed<Address>[]): readonly Problem[] {
    return [];
  }

  /**
   * Plugs in a device that is realized and mapped. Answers how to take it off again. While a controller is swapped, a device is
   * attached to the new bus before it is taken off the old one.
   */
  abstract attach(device: D, at: Address): Detach;

  /** A device takes the place and the state of another one; `detach` is that one's. Overridden where no level may change meanwhile. */
  replace(_old: D, made: D, at: Address, detach: Detach): Detach {
    detach();
    return this.attach(made, at);
  }

  /** The machine's reset, after that of every device. */
  reset(): void {}

  /** What a reset of the bus does to this device, for one that is plugged in later and reset alone. */
  resetDevice(_device: D): void {}

  /** Lines about a device in `info qtree`, below its options. */
  describe(_device: D, _at: Address): readonly string[] {
    return [];
  }

  /** The regions of the device that the bus has mapped where the guest wanted them. */
  mapped(_device: D): readonly MappedByBus[] {
    return [];
  }

  /**
   * As firmware does after a reset: gives addresses to the regions of the device that the guest places, and enables it. `allocate`
   * answers the same address for the same name. Answers where the regions are.
   */
  arrange(
    _device: D,
    _allocate: (name: string, kind: 'ports' | 'memory', size: number) => number,
  ): ReadonlyMap<RegionTemplate, number> {
    return new Map();
  }

  /** Members that the base class of its devices has and the bus answers for: no author of a device wrote them. */
  get ownMembers(): readonly string[] {
    return [];
  }

  /** Of these, paths that a reset leaves as they are. */
  get keptAtReset(): readonly string[] {
    return [];
  }

  /** Whether a pin that the base class has leads anywhere. */
  usesPin(_device: D, _name: string): boolean {
    return true;
  }

  /** The registers of the device that the guest reaches by the bus; undefined if it has none. */
  registersOf(_device: D): BusRegisters | undefined {
    return undefined;
  }

  /** Reports interrupts of the device that are no pins, by name: 'msi'. Without `report` it stops. */
  observeInterrupts(_device: D, _report: ((name: string) => void) | undefined): void {}

  /** First bytes of transfers that mean something to the device, for random tests: the registers behind its pointer. */
  firstBytes(device: D): readonly number[] {
    const offsets = device.metadata.registers
      .filter(({ bank }) => !(bank instanceof RegionTemplate))
      .map(({ offset }) => offset);
    return [...new Set(offsets.map((offset) => offset & 0xff))];
  }

  /**
   * Plugs in what answers in place of a device, for a controller that is tested alone. It keeps no state: what it answers depends
   * on what it is asked. Absent: a controller of the bus needs none.
   */
  attachStandIn?(): Detach;

  /**
   * One whole transfer as a guest makes it through a controller: writes the bytes, then reads `count`. Answers what came back, which is
   * shorter where the device did not acknowledge. An open one does not end: the next goes on with it. Absent: a bus of regions, whose
   * devices have no transfers.
   */
  transfer?(at: Address, bytes: readonly number[], count: number, isOpen?: boolean): readonly number[];

  /**
   * Calls a method of a device as an event of its own: its derived pins follow, and edges are delivered after it. It allocates nothing:
   * `this.call(target, target.onWrite, byte)`.
   */
  declare protected readonly call: typeof inDeviceEvent;
}

Object.defineProperty(Bus.prototype, 'call', { value: inDeviceEvent });

/** The buses that a device and the devices inside it have in their fields, by name; those of an array as `channels[3]`. */
export function busesOf(device: Device): ReadonlyMap<string, Bus> {
  return new Map(
    devicesIn(device).flatMap(({ name, device: one }) =>
      [...partsOf(one, Bus)].map(([field, bus]) => [name === '' ? field : `${name}.${field}`, bus] as const),
    ),
  );
}
