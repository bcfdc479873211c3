import { addCoalescedIo, device, flushCoalescedIo } from '../../sdk/index.ts';
import { ConfigurationPorts, configurationPorts } from '../../sdk/pci.ts';

/**
 * The configuration ports of the i440FX host bridge as QEMU maps them, for comparison. The bridge owns all four address
 * ports, and the reset register at 0xcf9 overlaps one of them. The coalesced range is split there, so that no 32-bit
 * write is ever coalesced.
 *
 * A hostile guest can do what it can with the other bridge. Narrow writes at the address ports are dropped. Narrow
 * reads return the low bytes of the address register at every offset.
 *
 * @see QEMU 7.2, hw/pci/pci_host.c, pci_host_config_write and pci_host_config_read
 * @see QEMU 7.2, hw/isa/piix3.c, pci_piix3_realize: the reset register overlaps with priority 1
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
