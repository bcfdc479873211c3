import { bit, bits, portRegion } from '../../device/index.ts';

/** @see virtio 1.2, 4.1.4.10 "Legacy Interfaces: A Note on PCI Device Layout" */
export const LegacyPort = {
  DeviceFeatures: 0x00,
  GuestFeatures: 0x04,
  QueuePage: 0x08,
  QueueSize: 0x0c,
  QueueSelect: 0x0e,
  QueueNotify: 0x10,
  DeviceStatus: 0x12,
  InterruptStatus: 0x13,
  /** Behind these is the device-specific configuration, or with MSI-X two vectors and then that. */
  End: 0x14,
} as const;
export const LegacyVector = { Configuration: 0, Queue: 2, End: 4 } as const;

/**
 * An access of any width is one of the register at its first byte.
 *
 * @see QEMU 7.2, hw/virtio/virtio-pci.c, virtio_pci_config_write: ports below the device's own are passed on by address
 */
export const legacyPorts = portRegion({ name: 'virtio-pci', size: LegacyPort.End, overrun: 'dropped' });
const whole = { narrow: 'zero-extended' } as const;
export const deviceFeatures = legacyPorts.register(LegacyPort.DeviceFeatures, {
  ...{ ...whole, width: 32, access: 'read-only' },
  description: 'features 0 to 31 that the device offers',
});
export const guestFeatures = legacyPorts.register(LegacyPort.GuestFeatures, {
  ...{ ...whole, width: 32 },
  description: 'features that the driver accepts',
});
export const queuePage = legacyPorts.register(LegacyPort.QueuePage, {
  ...{ ...whole, width: 32 },
  description: 'address of the selected queue, in pages of 4 KiB; 0 resets the device',
});
export const queueSize = legacyPorts.register(LegacyPort.QueueSize, {
  ...{ ...whole, width: 16, access: 'read-only' },
  description: 'number of descriptors of the selected queue; 0 if it does not exist',
});
export const queueSelect = legacyPorts.register(LegacyPort.QueueSelect, {
  ...{ ...whole, width: 16 },
  description: 'queue of queuePage and queueSize',
});
export const queueNotify = legacyPorts.register(LegacyPort.QueueNotify, {
  ...{ ...whole, width: 16, access: 'trigger', name: 'legacyQueueNotify' },
  description: 'number of a queue with new requests',
});
export const deviceStatus = legacyPorts.register(LegacyPort.DeviceStatus, {
  width: 8,
  description: 'progress of the driver; 0 resets the device',
  fields: { acknowledge: bit(0), driver: bit(1), driverOk: bit(2), others: bits(3, 6), failed: bit(7) },
});
export const interruptStatus = legacyPorts.register(LegacyPort.InterruptStatus, {
  width: 8,
  access: 'read-only',
  description: 'reading clears it and lowers the interrupt',
});
