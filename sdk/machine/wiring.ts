import { BackplaneError, type Problem } from '../base/errors.ts';
import type {
  ConcreteDeviceClass,
  GivenOptionsOfClass,
  InterruptPin,
  PinNames,
  RegionTemplate,
  Token,
} from '../device/index.ts';

/** The values of a machine's own options, defaults filled in. */
export type MachineOptionValues = Readonly<Record<string, unknown>>;

/** Given for single devices when a machine is created: by id, or by type. */
export type DeviceOptionValues = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A wire to a service, such as `isaIrq(8)` to the ISA bus. `InterruptWire` is one. */
export interface ServiceWire {
  readonly description: string;
  readonly service: Token;
  readonly problem?: string | undefined;
  connect(pin: InterruptPin, service: unknown): () => void;
}

/** A wire to a pin of another device. */
export class DeviceWire {
  readonly description: string;

  constructor(
    readonly device: string,
    readonly pin: string,
  ) {
    this.description = `pin '${pin}' of '${device}'`;
  }
}

export type Wire = ServiceWire | DeviceWire;

/** A wire to a pin of another device, named by its id. */
export function pin(device: string, name: string): DeviceWire {
  return new DeviceWire(device, name);
}

/** A region of the device, and its address in this machine. */
export interface Placement {
  readonly region: RegionTemplate;
  readonly address: number;
  /** Instead of the region's own priority. */
  readonly priority?: number;
}

/** Moves a region: `at: [place(ports, 0x170)]`. */
export function place(region: RegionTemplate, address: number, how: { readonly priority?: number } = {}): Placement {
  return { region, address, ...how };
}

/** One device of a machine definition. `use` makes it and checks its types. */
export interface UsedDevice {
  readonly device: ConcreteDeviceClass;
  /** Its name in messages, `info qtree` and wires of other devices. Default: its type, numbered from the second on. */
  readonly id?: string;
  readonly at?: readonly Placement[];
  /** Slot and function of a PCI device, `01.0`. Default: the first free slot. */
  readonly addr?: string;
  /** Plugged in only if this holds for the machine's options. */
  readonly when?: (machine: MachineOptionValues) => boolean;
  readonly options?:
    | Readonly<Record<string, unknown>>
    | ((machine: MachineOptionValues) => Readonly<Record<string, unknown>>);
  readonly interrupts?: Readonly<Record<string, Wire | undefined>>;
}

/** How a machine plugs in one device. Everything may be left out. */
export interface DeviceWiring<C extends ConcreteDeviceClass> extends Pick<UsedDevice, 'id' | 'at' | 'addr' | 'when'> {
  /** Values that differ from the defaults; as a function, they depend on the machine's own options. */
  readonly options?: GivenOptionsOfClass<C> | ((machine: MachineOptionValues) => GivenOptionsOfClass<C>);
  /** A wire for each pin that the device has, and for no other name. */
  readonly interrupts?: [PinNames<InstanceType<C>>] extends [never]
    ? { readonly [name: string]: never }
    : { readonly [P in PinNames<InstanceType<C>>]?: Wire };
}

/** Plugs in a device: `use(Mc146818Rtc, { interrupts: { irq: isaIrq(8) } })`. */
export function use<C extends ConcreteDeviceClass>(device: C, wiring: DeviceWiring<C> = {}): UsedDevice {
  return { ...wiring, device } as UsedDevice;
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
