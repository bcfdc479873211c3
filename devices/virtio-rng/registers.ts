import { bit, bits, portRegion, reserved } from '../../sdk/index.ts';

/** @see virtio 1.0, 4.1.4.8 "Legacy Interfaces: A Note on PCI Device Layout" */
export const Port = {
  DeviceFeatures: 0x00,
  GuestFeatures: 0x04,
  QueuePage: 0x08,
  QueueSize: 0x0c,
  QueueSelect: 0x0e,
  QueueNotify: 0x10,
  DeviceStatus: 0x12,
  InterruptStatus: 0x13,
} as const;

/**
 * An access of any width is one of the register at its first byte.
 *
 * @see QEMU 7.2, hw/virtio/virtio-pci.c, virtio_pci_config_write: ports below the device's own are passed on by address
 */
export const ports = portRegion({ name: 'virtio-pci', size: 32, overrun: 'dropped' });
const whole = { narrow: 'zero-extended' } as const;
export const deviceFeatures = ports.register(Port.DeviceFeatures, {
  ...whole,
  width: 32,
  access: 'constant',
  description: 'none',
});
export const guestFeatures = ports.register(Port.GuestFeatures, {
  ...whole,
  width: 32,
  access: 'reserved',
  description: 'features that the driver accepts; the device offers none',
});
export const queuePage = ports.register(Port.QueuePage, {
  ...whole,
  width: 32,
  description: 'address of the selected queue, in pages of 4 KiB; 0 resets the device',
});
export const queueSize = ports.register(Port.QueueSize, {
  ...whole,
  width: 16,
  access: 'read-only',
  description: 'number of descriptors of the selected queue; 0 if it does not exist',
});
export const queueSelect = ports.register(Port.QueueSelect, {
  ...whole,
  width: 16,
  description: 'queue of queuePage and queueSize',
});
export const queueNotify = ports.register(Port.QueueNotify, {
  ...whole,
  width: 16,
  name: 'queueNotify',
  access: 'trigger',
  description: 'number of a queue with new requests',
});
export const deviceStatus = ports.register(Port.DeviceStatus, {
  width: 8,
  description: 'progress of the driver; 0 resets the device',
  fields: { acknowledge: bit(0), driver: bit(1), driverOk: bit(2), others: bits(3, 6), failed: bit(7) },
});
export const interruptStatus = ports.register(Port.InterruptStatus, {
  width: 8,
  description: 'reading clears it and lowers the interrupt',
  fields: { queue: bit(0, 'read-to-clear'), rest: reserved([1, 7]) },
});
