import { addCoalescedIo, device, flushCoalescedIo } from '../sdk/index.ts';
import { ClaimedConfigurationPorts, configurationPorts } from '../sdk/pci.ts';

/**
 * The configuration ports of the i440FX host bridge (PCI configuration mechanism #1).
 *
 * The guest selects a register through 0xcf8 and accesses it through 0xcfc. A selection has no effect until the access,
 * so writes to 0xcf8 are coalesced, and every access to 0xcfc delivers them first. The bridge claims 32-bit accesses at
 * 0xcf8 only. It forwards other widths and offsets to the ISA bus (subtractive decode), where the reset register is at
 * 0xcf9.
 *
 * A hostile guest can select any function and write its writable registers. Absent functions read as all ones. A
 * forwarded byte may wait in the coalescing ring, for as long as the accelerator's drain policy lets it.
 *
 * @see PCI Local Bus Specification 3.0, 3.2.2.3.2 "Software Generation of Configuration Transactions"
 * @see Intel 82441FX (PMC) datasheet, "CONFADD - Configuration Address Register": narrower accesses pass through to PCI
 * @see QEMU 7.2, hw/pci-host/i440fx.c, i440fx_pcihost_realize: 0xcf8 is coalesced, 0xcfc flushes
 */
@device({ type: 'i440FX-pcihost', description: 'Intel 82441FX host bridge, PCI configuration ports' })
@addCoalescedIo(configurationPorts.address, { offset: 0, size: 4 })
@flushCoalescedIo(configurationPorts.data)
export class I440fxPciHost extends ClaimedConfigurationPorts {}
