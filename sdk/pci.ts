/** What the files of PCI devices, and of machines with a PCI bus, import beside `backplane`. */

export type { BusMasterSpace } from './bus/dma-port.ts';
export {
  formatPciAddress,
  type PciAddress,
  type PciPinWiring,
  parsePciAddress,
  pcPinWiring,
} from './bus/pci/address.ts';
export {
  type BarDeclaration,
  type BarSpec,
  bar,
  type ExpansionRomSpec,
  expansionRom,
  pciBars,
} from './bus/pci/bar-declaration.ts';
export type { PciBar, PciBars } from './bus/pci/bars.ts';
export { PciBus } from './bus/pci/bus.ts';
export { type CapabilitySpec, capability, PciCapabilityId } from './bus/pci/capabilities.ts';
export { configRegisters } from './bus/pci/config-registers.ts';
export { PciConfigSpace } from './bus/pci/config-space.ts';
export {
  ClaimedConfigurationPorts,
  type ConfigurationMechanism,
  ConfigurationPorts,
  configurationPorts,
  SubtractivePorts,
} from './bus/pci/configuration-ports.ts';
export { PciDevice, pci } from './bus/pci/device.ts';
export type { PciFunction } from './bus/pci/function.ts';
export { PciCommand, PciRegister, PciStatus } from './bus/pci/header.ts';
export { type PciClass, type PciIdentity, pciIdentity } from './bus/pci/identity.ts';
export type { PciRouter } from './bus/pci/interrupt-lines.ts';
export {
  IsaBridge,
  resetControlFields,
  resetControlPort,
  resetReason,
} from './bus/pci/isa-bridge.ts';
export { type MessageSignalledInterrupts, type MsiSpec, msi, type VectorOwner } from './bus/pci/msi.ts';
export type { MsiX } from './bus/pci/msix.ts';
export { type MsixPlace, type MsixSpec, msix, pciMsix } from './bus/pci/msix-declaration.ts';
export { pamRegisters, ShadowedMemory } from './bus/pci/shadowed-memory.ts';
