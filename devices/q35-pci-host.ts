import {
  addCoalescedIo,
  ConfigurationMechanism,
  device,
  flushCoalescedIo,
  inject,
  PciBus,
  PortsBehindBridge,
  portRegion,
  SystemDevice,
  state,
} from '../sdk/index.ts';

const AddressPort = 0xcf8;

const addressPort = portRegion({ name: 'pci-conf-idx', base: AddressPort, size: 4 });
const dataPort = portRegion({ name: 'pci-conf-data', base: 0xcfc, size: 4 });

/**
 * The configuration ports of the Q35 host bridge: PCI mechanism #1, beside the window in memory that its memory controller
 * has.
 *
 * Naming a register has no effect until its value moves, so address writes queue up and any data access delivers them first.
 * The bridge claims 32-bit accesses at 0xcf8 and nothing else there: other widths and offsets belong to the bus behind it,
 * where ICH9 has its reset register at 0xcf9.
 *
 * A hostile guest can name any function that there is and write what that function lets it write; functions that are not
 * there read all ones.
 */
@device({ type: 'q35-pcihost', description: 'Intel Q35 host bridge, PCI configuration ports' })
@addCoalescedIo(addressPort, { offset: 0, size: 4 })
@flushCoalescedIo(dataPort)
export class Q35PciHost extends SystemDevice {
  @state readonly configuration: ConfigurationMechanism;

  constructor(
    @inject(PciBus) bus: PciBus,
    @inject(PortsBehindBridge) private readonly behind: PortsBehindBridge,
  ) {
    super();
    this.configuration = new ConfigurationMechanism(bus);
  }

  @addressPort.write(0, { size: 4 })
  writeAddress(value: number): void {
    this.configuration.address = value;
  }

  @addressPort.read(0, { size: 4 })
  readAddress(): number {
    return this.configuration.address;
  }

  @addressPort.write()
  handOnWrite(value: number, offset: number, size: number): void {
    this.behind.write(AddressPort + offset, value, size);
  }

  @addressPort.read()
  handOnRead(offset: number, size: number): number {
    return this.behind.read(AddressPort + offset, size);
  }

  @dataPort.write()
  writeData(value: number, offset: number, size: number): void {
    this.configuration.write(value, offset, size);
  }

  @dataPort.read()
  readData(offset: number, size: number): number {
    return this.configuration.read(offset, size);
  }
}
