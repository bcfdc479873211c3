import { bit, bits, ContainerRegion, mmioRegion, reserved } from '../../device/index.ts';
import { VirtioStatus } from './features.ts';

/** Where the structures are in the memory BAR. @see QEMU 7.2, hw/virtio/virtio-pci.c, virtio_pci_realize */
export const ModernBar = 4;
export const StructureSize = 0x1000;
export const Structure = { Common: 0x0000, InterruptStatus: 0x1000, Device: 0x2000, Notify: 0x3000 } as const;
/** From the notification address of a queue to the next one's. */
export const NotifyMultiplier = 4;

export const modernBar = new ContainerRegion({ name: 'virtio-pci-modern', size: 4 * StructureSize });

/** @see virtio 1.2, 4.1.4.3 "Common configuration structure layout" */
export const common = mmioRegion({
  name: 'virtio-pci-common',
  size: StructureSize,
  accepts: { min: 1, max: 8 },
  missing: 'silent',
});
export const deviceFeatureSelect = common.register(0x00, { width: 32, description: 'word of deviceFeature' });
export const deviceFeature = common.register(0x04, {
  width: 32,
  access: 'read-only',
  description: '32 of the features that the device offers',
});
export const driverFeatureSelect = common.register(0x08, { width: 32, description: 'word of driverFeature' });
export const driverFeature = common.register(0x0c, {
  width: 32,
  description: '32 of the features that the driver accepts',
});
export const configurationVector = common.register(0x10, {
  width: 16,
  reset: 0xffff,
  description: 'MSI-X vector for changes of the configuration; 0xffff: none',
});
export const queueCount = common.register(0x12, { width: 16, access: 'read-only' });
export const deviceStatus = common.register(0x14, {
  width: 8,
  description: 'progress of the driver; 0 resets the device',
  fields: {
    acknowledge: bit(0),
    driver: bit(1),
    driverOk: bit(2),
    featuresOk: bit(3),
    unused: bits(4, 5),
    needsReset: bit(6),
    failed: bit(7),
  },
});
export const configurationGeneration = common.register(0x15, {
  width: 8,
  access: 'read-only',
  description: 'changes with the device-specific configuration',
});
export const queueSelect = common.register(0x16, { width: 16, description: 'queue of the registers behind it' });
export const queueSize = common.register(0x18, {
  width: 16,
  description: 'number of descriptors; 0: there is no such queue',
});
export const queueVector = common.register(0x1a, { width: 16, description: 'MSI-X vector; 0xffff: none' });
export const queueEnable = common.register(0x1c, { width: 16, description: '1: the queue is in use' });
export const queueNotifyOffset = common.register(0x1e, { width: 16, access: 'read-only' });
export const queueDescriptors = common.register(0x20, { width: 64, description: 'address of the descriptor table' });
export const queueDriver = common.register(0x28, { width: 64, description: 'address of the available ring' });
export const queueDevice = common.register(0x30, { width: 64, description: 'address of the used ring' });
export const queueNotifyData = common.register(0x38, { width: 16, access: 'constant' });
export const queueReset = common.register(0x3a, { width: 16, description: '1: resets the queue' });

/** @see virtio 1.2, 4.1.4.5 "ISR status capability" */
export const interruptStatusRegion = mmioRegion({
  name: 'virtio-pci-isr',
  size: StructureSize,
  accepts: { min: 1, max: 8 },
  missing: 'silent',
});
export const interruptStatus = interruptStatusRegion.register(0x00, {
  width: 8,
  description: 'reading clears it and lowers the interrupt',
  fields: { queue: bit(0, 'read-to-clear'), configuration: bit(1, 'read-to-clear'), rest: reserved([2, 7]) },
});

/** @see virtio 1.2, 4.1.4.4 "Notification structure layout" */
export const notifyRegion = mmioRegion({
  name: 'virtio-pci-notify',
  size: StructureSize,
  accepts: { min: 1, max: 8 },
  missing: 'silent',
});

/** The device works: the driver is ready. */
export const isReady = (status: number): boolean => (status & VirtioStatus.DriverOk) !== 0;
