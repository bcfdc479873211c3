import {
  addCoalescedIo,
  ClaimedConfigurationPorts,
  configurationPorts,
  device,
  flushCoalescedIo,
} from '../sdk/index.ts';

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
@addCoalescedIo(configurationPorts.address, { offset: 0, size: 4 })
@flushCoalescedIo(configurationPorts.data)
export class Q35PciHost extends ClaimedConfigurationPorts {}
