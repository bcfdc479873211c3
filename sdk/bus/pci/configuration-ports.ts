import { inject, portRegion, type RegionTemplate, type RegistersBehind } from '../../device/index.ts';
import { AddressSpace, MemoryRegion, MemTxResult } from '../../memory/index.ts';
import { state } from '../../state/schema.ts';
import { shape } from '../../state/shapes.ts';
import type { BusContext } from '../bus.ts';
import { SystemDevice } from '../system-bus.ts';
import { PciBus } from './bus.ts';

const Enable = 0x8000_0000;

/**
 * PCI configuration mechanism #1 without its ports: an address register, and a window of four bytes onto what it names.
 * The register keeps what is written, reserved bits and all; a reset of the machine does not clear it.
 */
export class ConfigurationMechanism {
  /** Bit 31 opens the window; bits 23-16 name the bus, 15-8 slot and function, 7-0 the register. */
  @state({ as: shape.bits(32) }) address = 0;

  constructor(private readonly bus: PciBus) {}

  /** A closed window reads all ones, as an absent function does. */
  read(offset: number, size: number): number {
    return this.open ? this.bus.readConfig(this.target(offset), size) : 0xffff_ffff >>> (32 - 8 * size);
  }

  write(value: number, offset: number, size: number): void {
    if (this.open) this.bus.writeConfig(this.target(offset), value, size);
  }

  /** The registers that an access at this offset of the window reaches. */
  registersAt(offset: number): RegistersBehind | undefined {
    return this.open ? this.bus.registersAt(this.target(offset)) : undefined;
  }

  /** The id of the device that the window shows now; undefined if it is closed or shows no device. */
  get selectedDevice(): string | undefined {
    const bus = (this.address >>> 16) & 0xff;
    if (!this.open || bus !== this.bus.number) return undefined;
    return this.bus.deviceAt({ slot: (this.address >>> 11) & 0x1f, function: (this.address >>> 8) & 7 })?.id;
  }

  private get open(): boolean {
    return (this.address & Enable) !== 0;
  }

  /** The two low bits of the address and of the port are ORed, not added: guests leave the former at 0. */
  private target(offset: number): number {
    return (this.address | (offset & 3)) >>> 0;
  }
}

/**
 * The ports that a host bridge reaches by subtractive decode: it forwards the accesses that it does not claim. Without a
 * device there, reads give all ones and writes are lost. See decisions/0006-the-bus-behind.md.
 */
export class SubtractivePorts {
  /** `space` has the ports without the bridge's own: an `AddressSpace`. */
  constructor(
    private readonly space: {
      /** MemTxResult of the access before. */
      readonly result: number;
      read(port: number, size: number): number;
      write(port: number, value: number, size: number): void;
      lookup(port: number): object | undefined;
    },
  ) {}

  /** Ports behind a bench's bridge, where nothing is. */
  static forBench({ topology }: BusContext): SubtractivePorts {
    const nothing = MemoryRegion.unassignedPorts(topology, 'nothing');
    return new SubtractivePorts(new AddressSpace(topology, 'ports behind the bridge', nothing));
  }

  read(port: number, size: number): number {
    const value = this.space.read(port, size);
    if ((this.space.result & MemTxResult.DecodeError) === 0) return value;
    return this.space.lookup(port) === undefined ? 0xffff_ffff >>> (32 - 8 * size) : value;
  }

  write(port: number, value: number, size: number): void {
    this.space.write(port, value, size);
  }
}

const AddressPort = 0xcf8;

/** The regions of a host bridge's configuration ports: which function and register, and what it holds. */
export const configurationPorts = {
  address: portRegion({ name: 'pci-conf-idx', base: AddressPort, size: 4, missing: 'silent' }),
  data: portRegion({ name: 'pci-conf-data', base: 0xcfc, size: 4 }),
} as const;

const { address, data } = configurationPorts;

/**
 * PCI configuration mechanism #1 with its ports, for host bridges: 32 bits at 0xcf8 name a register, any width at 0xcfc moves
 * its value. Narrower accesses at 0xcf8 are up to the bridge.
 */
export abstract class ConfigurationPorts extends SystemDevice {
  @state({ atReset: 'kept' }) readonly configuration: ConfigurationMechanism;

  constructor(@inject(PciBus) bus: PciBus) {
    super();
    this.configuration = new ConfigurationMechanism(bus);
  }

  override registersBehind(region: RegionTemplate, offset: number): RegistersBehind | undefined {
    return region === data ? this.configuration.registersAt(offset) : undefined;
  }

  @address.write(0, { size: 4 })
  writeAddress(value: number): void {
    this.configuration.address = value;
  }

  @address.read(0, { size: 4 })
  readAddress(): number {
    return this.configuration.address;
  }

  @data.write()
  writeData(value: number, offset: number, size: number): void {
    this.configuration.write(value, offset, size);
  }

  @data.read()
  readData(offset: number, size: number): number {
    return this.configuration.read(offset, size);
  }
}

/**
 * The same with subtractive decode. The bridge claims 32-bit accesses at 0xcf8 and forwards all others, so that a reset
 * register at 0xcf9 does not split the ports. See decisions/0006-the-bus-behind.md.
 */
export abstract class ClaimedConfigurationPorts extends ConfigurationPorts {
  readonly #subtractive: SubtractivePorts;

  constructor(@inject(PciBus) bus: PciBus, @inject(SubtractivePorts) subtractive: SubtractivePorts) {
    super(bus);
    this.#subtractive = subtractive;
  }

  @address.write()
  forwardWrite(value: number, offset: number, size: number): void {
    this.#subtractive.write(AddressPort + offset, value, size);
  }

  @address.read()
  forwardRead(offset: number, size: number): number {
    return this.#subtractive.read(AddressPort + offset, size);
  }
}
