import type { Container, Newable } from 'inversify';
import type { Accelerator } from '../accelerator/index.ts';
import type { MachineBackends } from '../backend/index.ts';
import { DeviceFailure } from '../base/errors.ts';
import { refuseNotifier } from '../bus/event-notifiers.ts';
import { EventNotifiers } from '../bus/index.ts';
import { constructDevice, type Device, DeviceOptions } from '../device/index.ts';
import { noteOptions } from '../device/options/live.ts';
import { noteBackends } from '../device/part.ts';
import { inDevice } from './device-failures.ts';
import {
  constructionFailure,
  describeConstruction,
  type NotedService,
  newContainer,
  type StatefulServices,
} from './services.ts';
import type { PlannedDevice } from './wiring.ts';

/** Constructs devices with the services of a machine, and with their own options and eventfds. */
export class DeviceMaker {
  private readonly notifiers = new WeakMap<Device, DeviceNotifiers>();
  /** Services with state that were made for one device alone. */
  private readonly ownServices = new WeakMap<Device, readonly NotedService[]>();
  private readonly retired: DeviceNotifiers[] = [];
  /** Options of the device under construction. */
  private options: Readonly<Record<string, unknown>> = {};
  private ownNotifiers: DeviceNotifiers;

  constructor(
    private readonly services: Container,
    private readonly accelerator: Accelerator,
    private readonly stateful: StatefulServices,
    private readonly backends: MachineBackends,
  ) {
    this.ownNotifiers = new DeviceNotifiers(accelerator, '');
    services
      .bind(DeviceOptions)
      .toDynamicValue(() => this.options)
      .inTransientScope();
    services
      .bind(EventNotifiers)
      .toDynamicValue(() => this.ownNotifiers)
      .inTransientScope();
  }

  /**
   * Answers failures in the places of devices. The classes are bound in a temporary container: a device is no service of another
   * one, and a container keeps bindings also after unbind.
   */
  makeAll(plans: readonly PlannedDevice[]): (Device | DeviceFailure)[] {
    const classes = new Set(plans.map(({ used }) => used.device as unknown as Newable<Device>));
    const maker = newContainer(this.services);
    for (const deviceClass of classes) maker.bind(deviceClass).toSelf().inTransientScope();
    return plans.map((plan) => this.make(plan, maker));
  }

  /**
   * Forgets the services that were made for this device alone. Its eventfds stay open until `closeRetired`: until the map is
   * committed, the kernel is asked about them by number.
   */
  retire(device: Device): void {
    this.stateful.forget(this.ownServices.get(device) ?? []);
    const notifiers = this.notifiers.get(device);
    if (notifiers !== undefined) this.retired.push(notifiers);
  }

  closeRetired(): void {
    for (const notifiers of this.retired.splice(0)) notifiers.close();
  }

  /** Moves the state of a device's own services to those of its replacement. */
  handOverServices(old: Device, made: Device): void {
    this.stateful.handOver(this.ownServices.get(old) ?? [], this.ownServices.get(made) ?? []);
  }

  private make({ id, metadata, given, used }: PlannedDevice, maker: Container): Device | DeviceFailure {
    const notifiers = new DeviceNotifiers(this.accelerator, id);
    const { options } = metadata;
    this.options = options.withBackends(options.values(given, id), (part) => this.backends.connect(part));
    this.ownNotifiers = notifiers;
    const services: NotedService[] = [];
    try {
      const get = () => maker.get(used.device as unknown as Newable<Device>);
      const device = this.stateful.noteInto(services, () => constructDevice(get));
      noteBackends(device, this.options);
      noteOptions(device, this.options);
      this.ownServices.set(device, services);
      notifiers.device = device;
      this.notifiers.set(device, notifiers);
      return device;
    } catch (error) {
      notifiers.close();
      this.stateful.forget(services);
      const cause = constructionFailure(error);
      const message = `Device '${id}': ${used.device.name} could not be constructed: ${describeConstruction(cause)}`;
      return new DeviceFailure(message, used.device.prototype, cause);
    } finally {
      this.ownNotifiers = new DeviceNotifiers(this.accelerator, '');
    }
  }
}

/** The eventfds of one device: they are closed after it was unplugged. */
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
