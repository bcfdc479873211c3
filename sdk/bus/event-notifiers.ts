/**
 * Where a device gets what its region's ioeventfds signal: `region.addIoeventfd({ offset, size, fd })`. A write that matches
 * one does not reach the region's handlers; under KVM it does not even leave the kernel.
 */
export abstract class EventNotifiers {
  /**
   * A new eventfd. `consumer` is called some time after each signal, after everything that the guest wrote before it. A snapshot
   * knows it again by its name: a device that makes several in an order that the guest decides names them. Default: its number,
   * in the order in which the device makes them.
   */
  abstract add(consumer: () => void, name?: string): number;
}
