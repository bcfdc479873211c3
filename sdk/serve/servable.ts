import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import type { PciDevice } from '../bus/pci/device.ts';
import { PciDevice as PciFunction } from '../bus/pci/device.ts';
import { pciIdentity } from '../bus/pci/identity.ts';
import { metadataOf } from '../device/index.ts';
import type { UsedDevice } from '../machine/index.ts';

/** @see PCI Code and ID Assignment Specification, "Class Code 06h" */
const BridgeClass = 0x06;

/** Refuses what is no PCI function, and bridges: what is behind one is not there in the client's machine. */
export function refuseUnservable({ device }: UsedDevice): void {
  const { type } = metadataOf(device);
  if (!(device.prototype instanceof PciFunction)) {
    throw new BackplaneError(
      'not-a-pci-function',
      `serve: '${type}' is no PCI function, and vfio-user carries nothing else. Serve a class that extends PciDevice.`,
    );
  }
  const { classCode = 0 } = metadataOf(device).attribute(pciIdentity) ?? {};
  if (classCode >>> 8 !== BridgeClass) return;
  throw new BackplaneError(
    'bridge-not-served',
    `serve: '${type}' has the class code ${hex(classCode, 4)}, which is a bridge's. QEMU's machine has its own host and ISA bridges. ` +
      'Serve the devices behind it.',
  );
}

/** Refuses what would end the client, or what the client could not use. */
export function refuseUnusable(device: PciDevice, passesDescriptors: boolean): void {
  const { type } = device.metadata;
  const { vectors, table } = device.msix;
  // QEMU 11.1.3 ends by a segmentation fault when it attaches such a function.
  if (vectors > 0 && device.bars.all.every(({ index }) => index !== table.bar)) {
    throw new BackplaneError(
      'msix-table-missing',
      `serve: the MSI-X table of '${type}' is in BAR ${table.bar}, which the device does not have: QEMU would crash. Give it that BAR.`,
    );
  }
  if (passesDescriptors || vectors > 0 || device.msi.vectors > 0) return;
  if (device.metadata.attribute(pciIdentity)?.interruptPin === undefined) return;
  throw new BackplaneError(
    'intx-needs-descriptors',
    `serve: '${type}' interrupts by its pin alone, and without koffi QEMU is sent messages only. Install koffi, or give the class @msi.`,
  );
}
