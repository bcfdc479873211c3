/**
 * Feature bits that belong to the queues and the transport, not to a type of device.
 *
 * @see virtio 1.2, 6 "Reserved Feature Bits"
 */
export const VirtioFeature = {
  IndirectDescriptors: 28,
  EventIndex: 29,
  Version1: 32,
  RingReset: 40,
} as const;

/** What the base class does for every device. */
export const transportFeatures: readonly number[] = Object.values(VirtioFeature);

/** @see virtio 1.2, 2.1 "Device Status Field" */
export const VirtioStatus = {
  Acknowledge: 0x01,
  Driver: 0x02,
  DriverOk: 0x04,
  FeaturesOk: 0x08,
  NeedsReset: 0x40,
  Failed: 0x80,
} as const;

/** Bits of the interrupt status. */
export const VirtioInterrupt = { Queue: 0x01, Configuration: 0x02 } as const;

/** No MSI-X vector. */
export const NoVector = 0xffff;
/** @see QEMU 7.2, include/hw/virtio/virtio.h, VIRTIO_QUEUE_MAX */
export const MostQueues = 1024;

/** A bit as a mask of all 64. */
export const featureMask = (bit: number): bigint => 1n << BigInt(bit);
