export { IsaDevice, SystemDevice } from './bus-devices.ts';
export { BusMaster } from './bus-master.ts';
export { ConfigurationMechanism } from './configuration-mechanism.ts';
export { ClaimedConfigurationPorts, ConfigurationPorts, configurationPorts } from './configuration-ports.ts';
export { DmaPort, MemoryDmaPort } from './dma-port.ts';
export { EventNotifiers } from './event-notifiers.ts';
export { type ExpansionRomSpec, expansionRom, pciExpansionRom } from './expansion-rom.ts';
export { InterruptWire } from './interrupt-wire.ts';
export {
  type ConfigurationContents,
  IsaBridge,
  resetControlFields,
  resetControlPort,
  resetReason,
} from './isa-bridge.ts';
export { type BusContainers, IsaBus, isaIrq } from './isa-bus.ts';
export { MessageSignalledInterrupts, type MsiSpec, msi } from './message-signalled-interrupts.ts';
export { formatPciAddress, type PciAddress, parsePciAddress } from './pci-address.ts';
export { type BarDeclaration, type BarSpec, bar, pciBars } from './pci-bar-declaration.ts';
export { type BarKind, type PciBar, PciBars } from './pci-bars.ts';
export { PciBus, type PciBusParts, type PciInterruptRouter, type PciPinWiring, pcPinWiring } from './pci-bus.ts';
export {
  type CapabilitySpec,
  capability,
  PciCapabilities,
  PciCapabilityId,
  pciCapabilities,
} from './pci-capabilities.ts';
export {
  PciCommand,
  PciConfigSize,
  PciConfigSpace,
  PciRegister,
  PciStatus,
} from './pci-config-space.ts';
export { PciDevice, pci, pciIdentity } from './pci-device.ts';
export type { PciIdentity } from './pci-identity.ts';
export { PortsBehindBridge } from './ports-behind-bridge.ts';
export { ShadowedMemory } from './shadowed-memory.ts';
export { PamRegisterCount, type PamWindow, pamWindows, Shadow, ShadowedWindow, shadowOf } from './shadowed-window.ts';
export { ResetController, SystemBus, type SystemBusParts } from './system-bus.ts';
