import type { Accelerator } from '../accelerator/index.ts';
import { refuseNotifier } from '../bus/event-notifiers.ts';
import { EventNotifiers } from '../bus/index.ts';
import type { Device } from '../device/index.ts';
import type { MemoryTopology } from '../memory/index.ts';
import { inDevice } from './device-failures.ts';

/** The eventfds of one device: they are closed when it has gone. */
export class DeviceNotifiers extends EventNotifiers {
  device: Device | undefined;
  private readonly fds: number[] = [];
  private readonly names = new Set<string>();

  constructor(
    private readonly accelerator: Accelerator,
    private readonly id: string,
  ) {
    super();
  }

  add(consumer: () => void, name = String(this.names.size)): number {
    refuseNotifier(name, this.names, this.id);
    const fd = this.accelerator.eventfd(
      () => this.call(consumer),
      () => `${this.id}/${name}`,
    );
    this.names.add(name);
    this.fds.push(fd);
    return fd;
  }

  close(): void {
    for (const fd of this.fds.splice(0)) this.accelerator.closeEventfd(fd);
  }

  private call(consumer: () => void): void {
    const { device } = this;
    if (device === undefined) consumer();
    else inDevice(device.id, device, 'the consumer of an ioeventfd', consumer);
  }
}

/** Closes eventfds of devices that went once the map is committed: until then the kernel is asked about them by number. */
export class RetiredNotifiers {
  private waiting: (DeviceNotifiers | undefined)[] = [];

  constructor(private readonly topology: MemoryTopology) {}

  add(notifiers: DeviceNotifiers | undefined): void {
    this.waiting.push(notifiers);
  }

  closeAll(): void {
    if (this.topology.inTransaction) return;
    for (const notifiers of this.waiting.splice(0)) notifiers?.close();
  }
}
