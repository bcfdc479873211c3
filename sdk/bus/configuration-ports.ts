import { inject, portRegion, state } from '../device/index.ts';
import { SystemDevice } from './bus-devices.ts';
import { ConfigurationMechanism } from './configuration-mechanism.ts';
import { PciBus } from './pci-bus.ts';
import { PortsBehindBridge } from './ports-behind-bridge.ts';

const AddressPort = 0xcf8;

/** The regions of a host bridge's configuration ports: which function and register, and what it holds. */
export const configurationPorts = {
  address: portRegion({ name: 'pci-conf-idx', base: AddressPort, size: 4, missing: 'silent' }),
  data: portRegion({ name: 'pci-conf-data', base: 0xcfc, size: 4 }),
} as const;

const { address, data } = configurationPorts;

/**
 * PCI configuration mechanism #1 with its ports, for host bridges: 32 bits at 0xcf8 name a register, any width at 0xcfc moves
 * its value. Who else answers at 0xcf8 is up to the bridge.
 */
export abstract class ConfigurationPorts extends SystemDevice {
  @state({ atReset: 'kept' }) readonly configuration: ConfigurationMechanism;

  constructor(@inject(PciBus) bus: PciBus) {
    super();
    this.configuration = new ConfigurationMechanism(bus);
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
 * The same in front of a bus: the bridge claims 32-bit accesses at 0xcf8 and hands every other on, so that what lies there
 * behind it, a reset register at 0xcf9, does not split the ports. See decisions/0006-the-bus-behind.md.
 */
export abstract class ClaimedConfigurationPorts extends ConfigurationPorts {
  readonly #behind: PortsBehindBridge;

  constructor(@inject(PciBus) bus: PciBus, @inject(PortsBehindBridge) behind: PortsBehindBridge) {
    super(bus);
    this.#behind = behind;
  }

  @address.write()
  handOnWrite(value: number, offset: number, size: number): void {
    this.#behind.write(AddressPort + offset, value, size);
  }

  @address.read()
  handOnRead(offset: number, size: number): number {
    return this.#behind.read(AddressPort + offset, size);
  }
}
