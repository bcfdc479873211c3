export { IsaDevice, SystemDevice } from './bus-devices.ts';
export { DmaPort, MemoryDmaPort } from './dma-port.ts';
export { InterruptWire } from './interrupt-wire.ts';
export { type BusContainers, IsaBus, isaIrq } from './isa-bus.ts';
export { formatPciAddress, type PciAddress, parsePciAddress } from './pci-address.ts';
export { PciBus, type PciInterruptRouter, type PciPinWiring, pcPinWiring } from './pci-bus.ts';
export {
  PciCommand,
  PciConfigSize,
  PciConfigSpace,
  type PciIdentity,
  PciRegister,
  PciStatus,
} from './pci-config-space.ts';
export { PciDevice, pci, pciIdentity } from './pci-device.ts';
export { PortsBehindBridge } from './ports-behind-bridge.ts';
export { ResetController, SystemBus, type SystemBusParts } from './system-bus.ts';
