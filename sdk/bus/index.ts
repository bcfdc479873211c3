export { DmaPort, MemoryDmaPort } from './dma-port.ts';
export { EventNotifiers } from './event-notifiers.ts';
export { type BusContainers, InterruptWire, IsaBus, IsaDevice, isaIrq } from './isa-bus.ts';
export { type BarDeclaration, type BarSpec, bar, pciBars } from './pci/bar-declaration.ts';
export { type BarKind, type PciBar, PciBars } from './pci/bars.ts';
export {
  formatPciAddress,
  type PciAddress,
  PciBus,
  type PciBusParts,
  type PciInterruptRouter,
  type PciPinWiring,
  parsePciAddress,
  pcPinWiring,
} from './pci/bus.ts';
export { BusMaster } from './pci/bus-master.ts';
export {
  type CapabilitySpec,
  capability,
  PciCapabilities,
  PciCapabilityId,
  pciCapabilities,
} from './pci/capabilities.ts';
export { PciCommand, PciConfigSize, PciConfigSpace, PciRegister, PciStatus } from './pci/config-space.ts';
export {
  ClaimedConfigurationPorts,
  ConfigurationMechanism,
  ConfigurationPorts,
  configurationPorts,
  SubtractivePorts,
} from './pci/configuration-ports.ts';
export { PciDevice, pci, pciIdentity } from './pci/device.ts';
export { type ExpansionRomSpec, expansionRom, pciExpansionRom } from './pci/expansion-rom.ts';
export type { PciIdentity } from './pci/identity.ts';
export {
  type ConfigurationContents,
  IsaBridge,
  resetControlFields,
  resetControlPort,
  resetReason,
} from './pci/isa-bridge.ts';
export { MessageSignalledInterrupts, type MsiSpec, msi } from './pci/msi.ts';
export {
  PamRegisterCount,
  type PamWindow,
  pamWindows,
  Shadow,
  ShadowedMemory,
  ShadowedWindow,
  shadowOf,
} from './shadowed-memory.ts';
export { ResetController, SystemBus, type SystemBusParts, SystemDevice } from './system-bus.ts';
