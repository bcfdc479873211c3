export {
  Bus,
  type BusClass,
  type BusContainers,
  type BusRegisters,
  busesOf,
  type Detach,
  type MappedByBus,
  type Placed,
} from './bus.ts';
export { DmaPort, MemoryDmaPort } from './dma-port.ts';
export { EventNotifiers } from './event-notifiers.ts';
export { InterruptWire, IsaBus, IsaDevice, isaIrq, isaLines } from './isa-bus.ts';
export { formatPciAddress, type PciAddress, parsePciAddress } from './pci/address.ts';
export { pciBars } from './pci/bar-declaration.ts';
export type { PciBar } from './pci/bars.ts';
export { PciBus } from './pci/bus.ts';
export { SubtractivePorts } from './pci/configuration-ports.ts';
export { PciDevice, pci } from './pci/device.ts';
export { PciCommand, PciRegister } from './pci/header.ts';
export { pciIdentity } from './pci/identity.ts';
export { ResetController, SystemBus, SystemDevice } from './system-bus.ts';
