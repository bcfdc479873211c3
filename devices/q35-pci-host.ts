import { addCoalescedIo, device, flushCoalescedIo } from '../sdk/index.ts';
import { ClaimedConfigurationPorts, configurationPorts } from '../sdk/pci.ts';

/**
 * The configuration ports of the Q35 host bridge (PCI configuration mechanism #1). Its memory controller has the
 * memory-mapped configuration window (ECAM) too.
 *
 * A selection through 0xcf8 has no effect until the access through 0xcfc. So writes to 0xcf8 are coalesced, and every
 * access to 0xcfc delivers them first. The bridge claims 32-bit accesses at 0xcf8 only. It forwards other widths and
 * offsets to the LPC bus (subtractive decode), where ICH9 has its reset register at 0xcf9.
 *
 * A hostile guest can select any function and write its writable registers. Absent functions read as all ones.
 *
 * @see PCI Local Bus Specification 3.0, 3.2.2.3.2 "Software Generation of Configuration Transactions"
 * @see Intel 3 Series Express Chipset Family datasheet, order number 316966, "CONFIG_ADDRESS - Configuration Address
 *   Register"
 * @see QEMU 7.2, hw/pci-host/q35.c, q35_host_realize: 0xcf8 is coalesced, 0xcfc flushes
 */
@device({ type: 'q35-pcihost', description: 'Intel Q35 host bridge, PCI configuration ports' })
@addCoalescedIo(configurationPorts.address, { offset: 0, size: 4 })
@flushCoalescedIo(configurationPorts.data)
export class Q35PciHost extends ClaimedConfigurationPorts {}
