import { hex } from '../base/text.ts';
import type { FacetDocument } from '../device/index.ts';
import { PciRegister, registerName } from './pci/config-space.ts';
import type { PciIdentity } from './pci/identity.ts';

/** What the guest finds in configuration space, for the reference of the device. */
export function documentIdentity(identity: PciIdentity): FacetDocument {
  const { vendorId, deviceId, revision, programmingInterface, classCode, interruptPin } = identity;
  const row = (offset: number, name: string, value: number, digits: number) => {
    return [registerName(offset), name, hex(value, digits)];
  };
  const rows = [
    row(PciRegister.VendorId, 'vendor', vendorId, 4),
    row(PciRegister.DeviceId, 'device', deviceId, 4),
    row(PciRegister.Revision, 'revision', revision ?? 0, 2),
    row(PciRegister.ProgrammingInterface, 'programming interface', programmingInterface ?? 0, 2),
    row(PciRegister.ClassCode, 'class', classCode, 4),
    [registerName(PciRegister.HeaderType), 'header type', identity.multifunction ? '0x80, several functions' : '0x00'],
    row(PciRegister.SubsystemVendorId, 'subsystem vendor', identity.subsystemVendorId ?? 0, 4),
    row(PciRegister.SubsystemId, 'subsystem', identity.subsystemId ?? 0, 4),
    [
      registerName(PciRegister.InterruptPin),
      'interrupt pin',
      interruptPin === undefined ? 'none' : `INT${interruptPin}`,
    ],
  ];
  const isWired = interruptPin !== undefined;
  return {
    tables: [{ heading: 'PCI configuration', columns: ['offset', 'register', 'value'], rows }],
    pins: {
      interrupt: isWired ? `INT${interruptPin}, as the device wants it` : '',
      interruptOut: isWired ? `INT${interruptPin} on the bus: down while the guest disables it, or has messages` : '',
    },
  };
}
