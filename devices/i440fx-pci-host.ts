import {
  addCoalescedIo,
  ClaimedConfigurationPorts,
  configurationPorts,
  device,
  flushCoalescedIo,
} from '../sdk/index.ts';

/**
 * The configuration ports of the i440FX host bridge (PCI mechanism #1).
 *
 * The guest names a register through 0xcf8 and moves its value through 0xcfc. Naming has no effect until the value moves, so
 * address writes queue up and any data access delivers them first. The bridge claims 32-bit accesses at 0xcf8 and nothing
 * else there: other widths and offsets belong to the bus behind it, where a reset register sits at 0xcf9.
 *
 * A hostile guest can name any function that there is and write what that function lets it write; functions that are not
 * there read all ones. A byte for the bus behind may wait in the queue, never longer than the accelerator lets it.
 */
@device({ type: 'i440FX-pcihost', description: 'Intel 82441FX host bridge, PCI configuration ports' })
@addCoalescedIo(configurationPorts.address, { offset: 0, size: 4 })
@flushCoalescedIo(configurationPorts.data)
export class I440fxPciHost extends ClaimedConfigurationPorts {}
