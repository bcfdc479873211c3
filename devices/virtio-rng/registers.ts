import { bit, bits, portRegion, reserved } from '../../sdk/index.ts';

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

export const ports = portRegion({ name: 'virtio-pci', size: 32 });
/** An access of any width belongs to the register at which it begins. */
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
  description: 'what the driver takes of them: it cannot take what is not offered',
});
export const queuePage = ports.register(Port.QueuePage, {
  ...whole,
  width: 32,
  description: 'where the selected queue is, in pages of 4 KiB; 0 resets the device',
});
export const queueSize = ports.register(Port.QueueSize, {
  ...whole,
  width: 16,
  access: 'read-only',
  description: 'descriptors of the selected queue; 0 if there is no such queue',
});
export const queueSelect = ports.register(Port.QueueSelect, {
  ...whole,
  width: 16,
  description: 'which queue the two registers before are of',
});
export const queueNotify = ports.register(Port.QueueNotify, {
  ...whole,
  width: 16,
  access: 'write-only',
  description: 'the number of a queue with new requests in it',
});
export const deviceStatus = ports.register(Port.DeviceStatus, {
  ...whole,
  width: 8,
  description: 'how far the driver has come; 0 resets the device',
  fields: { acknowledge: bit(0), driver: bit(1), driverOk: bit(2), others: bits(3, 6), failed: bit(7) },
});
export const interruptStatus = ports.register(Port.InterruptStatus, {
  ...whole,
  width: 8,
  description: 'reading clears it and lowers the interrupt',
  fields: { queue: bit(0, 'read-to-clear'), rest: reserved([1, 7]) },
});
