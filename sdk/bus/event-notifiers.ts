import { BackplaneError } from '../base/errors.ts';

/** @see QEMU 7.2, include/hw/virtio/virtio.h: no device has more queues than VIRTIO_QUEUE_MAX, and each has one eventfd. */
const MostOfOneDevice = 1024;

/**
 * Where a device gets what its region's ioeventfds signal: `region.addIoeventfd({ offset, size, fd })`. A write that matches
 * one does not reach the region's handlers; under KVM it does not even leave the kernel.
 */
export abstract class EventNotifiers {
  /**
   * A new eventfd. `consumer` is called some time after each signal, after everything that the guest wrote before it.
   *
   * A snapshot finds it by its name, by default its number in the order of the calls. A device gives names if the guest decides
   * the order; a second one of the same name is refused. It stays as long as the device, which may have 1024.
   */
  abstract add(consumer: () => void, name?: string): number;
}

/**
 * Refuses an eventfd. A guest could make a running device use up the eventfds of the host, and a snapshot tells them apart by
 * name.
 */
export function refuseNotifier(name: string, known: ReadonlySet<string>, id: string): void {
  if (known.has(name)) {
    throw new BackplaneError(
      'eventfd-name-taken',
      `Device '${id}' makes another eventfd of the name '${name}', and a snapshot knows each by its name. Give this one another name.`,
    );
  }
  if (known.size < MostOfOneDevice) return;
  throw new BackplaneError(
    'too-many-eventfds',
    `Device '${id}' makes another eventfd and has ${known.size}, the most that a device may have: a guest could use up those of the host. ` +
      'Make each once, keep its number, and take it on and off with addIoeventfd() and removeIoeventfd().',
  );
}
