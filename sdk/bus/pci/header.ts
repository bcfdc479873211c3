import { bit, bits, type RegisterDeclaration, reserved } from '../../device/index.ts';
import { declareConfigRegister as register } from './config-registers.ts';

/** Offsets of the configuration header that every function has. */
export const PciRegister = {
  VendorId: 0x00,
  DeviceId: 0x02,
  Command: 0x04,
  Status: 0x06,
  Revision: 0x08,
  ProgrammingInterface: 0x09,
  ClassCode: 0x0a,
  CacheLineSize: 0x0c,
  LatencyTimer: 0x0d,
  HeaderType: 0x0e,
  BaseAddress0: 0x10,
  SubsystemVendorId: 0x2c,
  SubsystemId: 0x2e,
  ExpansionRom: 0x30,
  CapabilityPointer: 0x34,
  InterruptLine: 0x3c,
  InterruptPin: 0x3d,
} as const;

export const PciCommand = {
  Io: 0x0001,
  Memory: 0x0002,
  Master: 0x0004,
  Serr: 0x0100,
  InterruptDisable: 0x0400,
} as const;
export const PciStatus = { Interrupt: 0x0008, Capabilities: 0x0010, DeviceSelectShift: 9 } as const;

/** How fast a function answers its address, bits 10 and 9 of the status. */
export const DeviceSelect = { fast: 0, medium: 1, slow: 2 } as const;

/** Where registers of the function's own begin. */
export const HeaderEnd = 0x40;

/** Bits that a function of this kind does not have. */
const absent = (position: number) => bit(position, 'constant');
const error = (position: number) => bit(position, 'write-one-to-clear');

/**
 * The header of a function that is no bridge. What the identity, `@bar` and `@expansionRom` say is filled in.
 *
 * @see PCI Local Bus Specification 3.0, 6.2 "PCI Configuration Space Functions"
 * @see QEMU 7.2, hw/pci/pci.c, pci_init_wmask: bits of the command register that no function has are read-only
 */
export const headerRegisters: readonly RegisterDeclaration[] = [
  register('vendorId', PciRegister.VendorId, { width: 16, access: 'constant' }),
  register('deviceId', PciRegister.DeviceId, { width: 16, access: 'constant' }),
  register('command', PciRegister.Command, {
    width: 16,
    fields: {
      io: bit(0),
      memory: bit(1),
      master: bit(2),
      specialCycles: absent(3),
      writeAndInvalidate: absent(4),
      paletteSnoop: absent(5),
      parityErrorResponse: absent(6),
      stepping: absent(7),
      serr: bit(8),
      fastBackToBack: absent(9),
      interruptDisable: bit(10),
      unused: reserved([11, 15]),
    },
  }),
  register('status', PciRegister.Status, {
    width: 16,
    fields: {
      unused: reserved([0, 2], 6),
      interrupt: bit(3, 'read-only'),
      capabilities: bit(4, 'read-only'),
      at66MHz: absent(5),
      fastBackToBack: absent(7),
      dataParityError: error(8),
      deviceSelect: bits(9, 10, 'read-only', { values: DeviceSelect }),
      signalledTargetAbort: error(11),
      receivedTargetAbort: error(12),
      receivedMasterAbort: error(13),
      signalledSystemError: error(14),
      parityError: error(15),
    },
  }),
  register('revision', PciRegister.Revision, { width: 8, access: 'constant' }),
  register('programmingInterface', PciRegister.ProgrammingInterface, { width: 8, access: 'constant' }),
  register('classCode', PciRegister.ClassCode, { width: 16, access: 'constant' }),
  register('cacheLineSize', PciRegister.CacheLineSize, { width: 8 }),
  register('latencyTimer', PciRegister.LatencyTimer, { width: 8, access: 'constant' }),
  register('headerType', PciRegister.HeaderType, { width: 8, access: 'constant' }),
  register('baseAddress', PciRegister.BaseAddress0, { width: 32, count: 6, access: 'read-only' }),
  register('subsystemVendorId', PciRegister.SubsystemVendorId, { width: 16, access: 'constant' }),
  register('subsystemId', PciRegister.SubsystemId, { width: 16, access: 'constant' }),
  register('expansionRom', PciRegister.ExpansionRom, { width: 32, access: 'read-only' }),
  register('capabilityPointer', PciRegister.CapabilityPointer, { width: 8, access: 'constant' }),
  register('interruptLine', PciRegister.InterruptLine, { width: 8 }),
  register('interruptPin', PciRegister.InterruptPin, { width: 8, access: 'constant' }),
];
