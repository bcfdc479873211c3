import { BackplaneError } from '../../base/errors.ts';
import { Bus, busesOf, type Detach } from '../../bus/bus.ts';
import {
  type BusOfClass,
  type ClassMetadata,
  type ConcreteDeviceClass,
  type Device,
  metadataOf,
  type RegionTemplate,
  type Token,
} from '../../device/index.ts';
import { BenchServices } from './services.ts';

/** How a test plugs the device in. */
export interface BenchPlace {
  /** In place of a new bus of the class that the device plugs into. */
  readonly bus?: Bus | undefined;
  /** Its address, as `use()` takes it. */
  readonly addr?: string | undefined;
}

/** Regions without an address of their own, such as BARs, are placed one after the other from here. */
const FirstFree = { ports: 0xc000, memory: 0xe000_0000 } as const;

/** Addresses on a bench where nothing is. */
export class FreeAddresses {
  private readonly free: { ports: number; memory: number } = { ...FirstFree };
  private readonly named = new Map<string, number>();

  /** The next one that suits a region of that size, which is aligned as a BAR would be. */
  take(space: 'ports' | 'memory', size: number): number {
    const step = 2 ** Math.ceil(Math.log2(size));
    const address = Math.ceil(this.free[space] / step) * step;
    this.free[space] = address + step;
    return address;
  }

  /** Always the same for one name. */
  takeFor(name: string, space: 'ports' | 'memory', size: number): number {
    const address = this.named.get(name) ?? this.take(space, size);
    this.named.set(name, address);
    return address;
  }
}

/** The bus of the device on a bench, made for it, and its place there. */
export class BenchBus {
  readonly bus: Bus;
  readonly address: unknown;
  private detach: Detach | undefined;

  constructor(
    private readonly metadata: ClassMetadata,
    { bus, addr }: BenchPlace,
    service: (token: Token) => object | undefined,
  ) {
    this.bus = bus ?? this.make(service);
    this.address = this.addressFrom(addr);
  }

  attach(device: Device): void {
    this.detach = this.bus.attach(device, this.address);
  }

  /** Takes the device off its bus, also in mid-transfer. */
  remove(): void {
    this.detach?.();
    this.detach = undefined;
  }

  /** Resets the bus around the device and those that it has itself. Answers them. */
  reset(device: Device, others: readonly object[]): readonly Bus[] {
    const buses = [...new Set([this.bus, ...others.filter((one) => one instanceof Bus), ...busesOf(device).values()])];
    for (const bus of buses) bus.reset();
    return buses;
  }

  /** As firmware does it: the regions that the guest places get addresses, which it answers. */
  arrange(device: Device, allocate: Parameters<Bus['arrange']>[1]): ReadonlyMap<RegionTemplate, number> {
    return this.bus.arrange(device, allocate);
  }

  transfer(bytes: readonly number[], count: number, isOpen: boolean): readonly number[] {
    if (this.bus.transfer !== undefined) return this.bus.transfer(this.address, bytes, count, isOpen);
    throw new BackplaneError(
      'bus-without-transfers',
      `Bench: ${this.name} plugs into a bus of the kind '${this.bus.kind}', which has no transfers. Access its regions.`,
    );
  }

  private get name(): string {
    return this.metadata.deviceClass.name;
  }

  private make(service: (token: Token) => object | undefined): Bus {
    const { plugsInto } = this.metadata;
    const made = newBus(plugsInto, service);
    if (made !== undefined) return made;
    throw new BackplaneError(
      'bench-without-bus',
      `Bench: ${this.name} plugs into ${plugsInto.name}, and new ${plugsInto.name}() makes no bus. ` +
        `Give one: testBench(${this.name}, { bus: new ${plugsInto.name}(...) }).`,
    );
  }

  private addressFrom(addr: string | undefined): unknown {
    const { bus } = this;
    if (bus.addressGrammar === undefined && addr === undefined) return undefined;
    const address = addr === undefined ? bus.addressOnBench(this.metadata) : bus.parse(addr);
    if (address !== undefined) return address;
    const what = addr === undefined ? 'it needs an address' : `addr '${addr}' is no address of its bus`;
    const remedy = bus.addressGrammar === undefined ? 'Leave out addr' : `Write addr: ${bus.addressGrammar}`;
    throw new BackplaneError('bench-address', `Bench: ${this.name}: ${what}. ${remedy}.`);
  }
}

/** A bus of the class that a device names; undefined if it needs more than a bench has. */
function newBus(plugsInto: BusOfClass, service: (token: Token) => object | undefined): Bus | undefined {
  const busClass = plugsInto as unknown as new () => unknown;
  try {
    const made = service(busClass) ?? new busClass();
    return made instanceof Bus ? made : undefined;
  } catch {
    return undefined;
  }
}

/** The bus that a bench would make for such a device. */
export function busForBench(deviceClass: ConcreteDeviceClass): Bus | undefined {
  const services = new BenchServices(0x1000, []);
  return newBus(metadataOf(deviceClass).plugsInto, (token) => services.known(token));
}
