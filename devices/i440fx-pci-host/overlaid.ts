import { addCoalescedIo, ConfigurationPorts, configurationPorts, device, flushCoalescedIo } from '../../sdk/index.ts';

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
@addCoalescedIo(configurationPorts.address, { offset: 0, size: 4 })
@flushCoalescedIo(configurationPorts.data)
export class I440fxPciHostOverlaid extends ConfigurationPorts {
  @configurationPorts.address.read()
  readAnyPart(): number {
    return this.configuration.address;
  }
}
