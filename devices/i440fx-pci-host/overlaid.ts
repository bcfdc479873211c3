import {
  addCoalescedIo,
  ConfigurationMechanism,
  device,
  flushCoalescedIo,
  inject,
  PciBus,
  portRegion,
  SystemDevice,
  state,
} from '../../sdk/index.ts';

const addressPort = portRegion({ name: 'pci-conf-idx', base: 0xcf8, size: 4, missing: 'silent' });
const dataPort = portRegion({ name: 'pci-conf-data', base: 0xcfc, size: 4 });

/**
 * The configuration ports of the i440FX host bridge as QEMU maps them, for comparison: the bridge owns all four address
 * ports, and the reset register at 0xcf9 lies over one of them. The declared range is in pieces then, and no 32-bit
 * write ever coalesces.
 *
 * A hostile guest can do what it can with the other bridge. Narrow writes at the address ports are dropped, and narrow
 * reads answer the low bytes of the address register wherever they are made.
 */
@device({
  type: 'i440FX-pcihost-overlaid',
  description: 'Intel 82441FX host bridge, PCI configuration ports under an overlay',
})
@addCoalescedIo(addressPort, { offset: 0, size: 4 })
@flushCoalescedIo(dataPort)
export class I440fxPciHostOverlaid extends SystemDevice {
  @state readonly configuration: ConfigurationMechanism;

  constructor(@inject(PciBus) bus: PciBus) {
    super();
    this.configuration = new ConfigurationMechanism(bus);
  }

  @addressPort.write(0, { size: 4 })
  writeAddress(value: number): void {
    this.configuration.address = value;
  }

  @addressPort.read()
  readAddress(): number {
    return this.configuration.address;
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
