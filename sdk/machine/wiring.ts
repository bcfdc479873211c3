import { BackplaneError, type Problem } from '../base/errors.ts';
import type { Detach } from '../bus/index.ts';
import {
  type ClassMetadata,
  type ConcreteDeviceClass,
  type Device,
  devicesIn,
  type GivenOptionsOfClass,
  type InputArrayNames,
  type InputNames,
  type PinNames,
  type RegionTemplate,
} from '../device/index.ts';
import type { MemoryRegion } from '../memory/index.ts';
import { addressText, type BusPlace } from './buses/places.ts';
import { shown } from './given-values.ts';
import { wiringProblems } from './given-wiring.ts';
import type { Presence } from './presence.ts';
import type { Signal, Wire } from './wires/wire.ts';

/** The values of a machine's own options, defaults filled in. */
export type MachineOptionValues = Readonly<Record<string, unknown>>;

/** Given for single devices when a machine is created: by id, or by type. */
export type DeviceOptionValues = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A region of the device, and its address in this machine. */
export interface Placement {
  readonly region: RegionTemplate;
  readonly address: number;
  /** Instead of the region's own priority. */
  readonly priority?: number;
}

/** Moves a region: `at: [place(ports, 0x170)]`. */
export function place(region: RegionTemplate, address: number, how: { readonly priority?: number } = {}): Placement {
  if (typeof how !== 'object')
    throw new BackplaneError('not-a-placement', `place(): its third value is ${shown(how)}. Write { priority: 1 }.`);
  return { region, address, ...how };
}

/** One device of a machine definition. `use` makes it and checks its types. */
export interface UsedDevice<D extends Device = Device> {
  readonly device: ConcreteDeviceClass<D>;
  /** Its name in messages, `info qtree` and wires of other devices. Default: its type, numbered from the second on. */
  readonly id?: string;
  readonly at?: readonly Placement[];
  /** The bus that it plugs into: 'sbcon.i2c', or the id of a controller with one bus. Default: the first bus of its kind. */
  readonly bus?: string;
  /** Its address as the bus writes it: '01.0', '0x68'. Default: the first that is free, where the bus gives addresses. */
  readonly addr?: string;
  /** Plugged in only if this holds for the machine's options. */
  readonly when?: (machine: MachineOptionValues) => boolean;
  /** The machine has it by default only, or only with a back end that the request has. Left out: it is always there. */
  readonly present?: Presence;
  readonly options?:
    | Readonly<Record<string, unknown>>
    | ((machine: MachineOptionValues) => Readonly<Record<string, unknown>>);
  /** Where its outputs go: one wire, or several. */
  readonly interrupts?: Readonly<Record<string, Wire | readonly Wire[] | undefined>>;
  /** What its inputs follow; an array of pins may take a list, the pin at index 0 first. */
  readonly inputs?: Readonly<Record<string, Signal | readonly (Signal | undefined)[] | undefined>>;
}

/** How a machine plugs in one device. Everything may be left out. */
export interface DeviceWiring<C extends ConcreteDeviceClass>
  extends Pick<UsedDevice, 'id' | 'at' | 'bus' | 'addr' | 'when' | 'present'> {
  /** Values that differ from the defaults; as a function, they depend on the machine's own options. */
  readonly options?: GivenOptionsOfClass<C> | ((machine: MachineOptionValues) => GivenOptionsOfClass<C>);
  /** A wire for each output that the device has, or a list of wires, and for no other name. */
  readonly interrupts?: [PinNames<InstanceType<C>>] extends [never]
    ? { readonly [name: string]: never }
    : { readonly [P in PinNames<InstanceType<C>>]?: Wire | readonly Wire[] };
  /** What each input follows: an output of a device, a line of a bus, or a gate of them. An array of inputs may take a list. */
  readonly inputs?: [InputNames<InstanceType<C>>] extends [never]
    ? { readonly [name: string]: never }
    : { readonly [P in InputNames<InstanceType<C>>]?: Signal } & {
        readonly [P in InputArrayNames<InstanceType<C>>]?: readonly (Signal | undefined)[];
      };
}

/** Plugs in a device: `use(Ds1307, { bus: 'sbcon', addr: '0x68' })`. */
export function use<C extends ConcreteDeviceClass>(
  device: C,
  wiring: DeviceWiring<C> = {},
): UsedDevice<InstanceType<C>> {
  if (typeof device !== 'function') {
    throw new BackplaneError(
      'not-a-used-device',
      `use(): the class of a device comes first, and this is ${shown(device)}. Files that import each other leave a class undefined.`,
    );
  }
  const [problem] = wiringProblems(wiring, `use(${device.name})`);
  if (problem !== undefined) throw new BackplaneError(problem.code, problem.message);
  return { ...wiring, device } as unknown as UsedDevice<InstanceType<C>>;
}

/** All problems of a machine's wiring, found before any of its devices was mapped. */
export class WiringError extends BackplaneError {
  override readonly name: string = 'WiringError';

  constructor(
    readonly machine: string,
    /** Each with a sentence or two: where, what, why, and what to change. */
    readonly problems: readonly Problem[],
    /** The failure of the first device that could not be constructed. */
    cause?: unknown,
  ) {
    const count = problems.length === 1 ? 'one mistake' : `${problems.length} mistakes`;
    const lines = problems.map(({ message }) => `  - ${message}`).join('\n');
    super('wiring-mistakes', `Machine '${machine}' has ${count} in its wiring:\n${lines}`, { cause });
  }
}

/** The code of an error that is one of several problems, or this one for an error that has none of its own. */
export const codeOf = (thrown: unknown, code: string): string =>
  thrown instanceof BackplaneError ? thrown.code : code;

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
  readonly wires: ReadonlyMap<string, readonly Wire[]>;
  readonly inputs: ReadonlyMap<string, Signal>;
}

/** A device that is plugged in already. */
export type PresentDevice = Pick<PlannedDevice, 'id' | 'metadata'>;

/** A region of a device, and the container that it is mapped in. */
export interface Mapping extends MappedRange {
  /** @internal */
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
  given: Readonly<Record<string, unknown>>;
  /** All its options, with defaults; a back end is an id. */
  options: Readonly<Record<string, unknown>>;
  /** The regions that the machine maps; those that the device maps itself are not among them. */
  readonly mappings: readonly Mapping[];
  /** Where each wired output goes. */
  readonly wires: ReadonlyMap<string, readonly Wire[]>;
  /** What each input follows that says so itself; wires of other devices may lead to its inputs too. */
  readonly inputs: ReadonlyMap<string, Signal>;
  /** Its bus and its address there. A controller that is swapped takes the devices of its buses along. */
  place: BusPlace;
  /** @internal */
  detach: Detach | undefined;

  /** @internal */
  constructor(plan: PlannedDevice, device: Device, mappings: readonly Mapping[], place: BusPlace | undefined) {
    ({ id: this.id, metadata: this.metadata, used: this.used, given: this.given, wires: this.wires } = plan);
    this.inputs = plan.inputs;
    // Without a place it is not plugged in: that is one of the machine's problems.
    this.place = place as BusPlace;
    this.device = device;
    this.options = plan.metadata.options.values(plan.given, plan.id);
    this.mappings = mappings;
  }

  /** Its address as its bus writes it; undefined on a bus without addresses. */
  get address(): string | undefined {
    return addressText(this.place);
  }

  /** A live option has another value. @internal */
  changeOption(name: string, value: unknown): void {
    this.given = { ...this.given, [name]: value };
    this.options = Object.freeze({ ...this.options, [name]: value });
  }

  /** Only after it was realized and mapped. */
  joinBus(): void {
    this.detach = this.place.bus.attach(this.device, this.place.address);
  }

  leaveBus(): void {
    this.detach?.();
    this.detach = undefined;
  }

  /** The regions of its class and of devices inside it, mapped or not. */
  get regions(): readonly MemoryRegion[] {
    return devicesIn(this.device).flatMap(({ device }) =>
      device.metadata.regions.map(({ template }) => device.region(template)),
    );
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
    return devicesIn(this.device).flatMap(({ device }) =>
      device.metadata.regions
        .filter(({ template }) => device.region(template) === region)
        .flatMap(({ coalesced }) => coalesced.flatMap(({ independent }) => independent ?? []))
        .map((template) => device.region(template)),
    );
  }
}
