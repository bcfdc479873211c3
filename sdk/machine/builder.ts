import { Accelerator, type MachineClock } from '../accelerator/accelerator.ts';
import type { MachineBackends } from '../backend/index.ts';
import { DeviceFailure, describeThrown, type Problem } from '../base/errors.ts';
import { type Bus, PowerController, ResetController, SystemBus } from '../bus/index.ts';
import { collectTimers, ManualClock, VirtualClock } from '../clock/index.ts';
import {
  captureSchema,
  type Device,
  type GuestErrors,
  inDeviceEvent,
  realizeDevice,
  timersOf,
} from '../device/index.ts';
import { EmptyBoard, MachineBoard } from './board.ts';
import { type BusToken, busesIn, isBusToken, type MachineBus } from './buses/list.ts';
import { type BusPlace, findPlaces } from './buses/places.ts';
import { WiringCheck } from './checks.ts';
import { type BuildRequest, type MachineDefinition, machineOptions, ramSizeOf } from './definition.ts';
import { inDevice, quietly } from './device-failures.ts';
import { DeviceMaker } from './device-maker.ts';
import { FirmwareImage } from './firmware-image.ts';
import { MachinePlan } from './plan.ts';
import { presentDevices } from './presence.ts';
import { loadServices, newContainer, StatefulServices } from './services.ts';
import { driverMistakes, endMistakes, pinMistakes } from './wires/checks.ts';
import { type Connection, connectionsOf } from './wires/connections.ts';
import { controllerMistakes, processorConnections } from './wires/interrupt-controllers.ts';
import { WireNetwork } from './wires/network.ts';
import { codeOf, type PlannedDevice, PluggedDevice, type UsedDevice, WiringError } from './wiring.ts';

/**
 * Builds a machine in two steps. The first checks everything, makes nothing that a guest could see, and reports all problems
 * together. The second cannot fail because of the wiring.
 */
export class MachineBuilder {
  readonly board: EmptyBoard;
  readonly stateful = new StatefulServices();
  readonly wires = new WireNetwork((token) => this.service(token));
  /** The wires to the processor. */
  readonly processor: readonly Connection[];
  private readonly container = newContainer();
  private readonly problems: Problem[] = [];
  private readonly plan: MachinePlan;
  private readonly check: WiringCheck;
  private readonly maker: DeviceMaker;
  private busTokens: readonly BusToken[] = [];

  constructor(
    private readonly definition: MachineDefinition,
    private readonly request: BuildRequest,
    private readonly accelerator: Accelerator,
    private readonly guestErrors: GuestErrors,
    readonly backends: MachineBackends,
  ) {
    this.processor = processorConnections(definition.interruptController);
    const ramSize = ramSizeOf(definition, request.ram);
    const options = machineOptions(definition, request.options ?? {}, this.problems);
    const firmware = new FirmwareImage(definition.name, request.firmware);
    this.board = new EmptyBoard((...block) => accelerator.allocateRam(...block), ramSize, options, firmware);
    this.plan = new MachinePlan(presentDevices(definition.devices, request), options, request.deviceOptions ?? {});
    this.check = this.newCheck();
    this.maker = new DeviceMaker(this.container, accelerator, this.stateful, backends);
    this.bindServices();
  }

  /** A service of the machine; the first call makes it. */
  service<S>(token: abstract new (...args: never) => S): S | undefined {
    return this.container.isBound(token) ? this.check.service(token) : undefined;
  }

  /** The buses of the machine with these devices. */
  busesWith(devices: readonly PluggedDevice[]): readonly MachineBus[] {
    return busesIn(this.serviceBuses, devices);
  }

  private get serviceBuses(): readonly Bus[] {
    return this.busTokens.flatMap((token) => this.service(token) ?? []);
  }

  /** The machine's clock. Only after `construct`, which checks that it can advance. */
  get clock(): MachineClock {
    return this.container.get(VirtualClock) as MachineClock;
  }

  /** First step. Throws a WiringError with everything that is wrong. */
  construct(): PluggedDevice[] {
    // The buses come first, even if no device injects them: their service modules lay out the memory.
    this.service(SystemBus);
    for (const token of this.busTokens) this.service(token);
    if (this.check.problems.length === 0) this.board.firmware.check();
    this.checkClock();
    return this.constructPlan(this.plan, this.check, []);
  }

  /** Both steps for devices that are plugged in later; `present` are those that the machine has. */
  plugMore(used: readonly UsedDevice[], present: readonly PluggedDevice[]): PluggedDevice[] {
    this.problems.length = 0;
    const plan = new MachinePlan(used, this.board.options, {}, present);
    const constructed = this.constructPlan(plan, this.newCheck(), present);
    try {
      return this.board.topology.transaction(() => {
        this.plugIn(constructed, present);
        try {
          for (const { id, device } of constructed)
            inDevice(id, device, 'reset()', () => inDeviceEvent(device, device.reset));
          for (const { place, device } of constructed) place.bus.resetDevice(device);
          for (const { device } of constructed) captureSchema(device);
          this.stateful.remember();
        } catch (error) {
          this.takeBack(constructed);
          throw error;
        }
        return constructed;
      });
    } finally {
      this.closeRetired();
    }
  }

  /** Second step: regions exist and are mapped, functions are on their bus, pins are connected. In one transaction. */
  plugIn(constructed: readonly PluggedDevice[], present: readonly PluggedDevice[] = []): void {
    this.board.topology.transaction(() => {
      try {
        for (const one of constructed) this.plugOne(one);
        this.wires.connect(constructed.flatMap(connectionsOf), [...present, ...constructed]);
      } catch (error) {
        this.takeBack(constructed);
        throw error;
      }
    });
  }

  /** First step for replacements of devices; `others` are those that stay. */
  makeReplacements(used: readonly UsedDevice[], others: readonly PluggedDevice[]): PluggedDevice[] {
    this.problems.length = 0;
    const plan = new MachinePlan(used, this.board.options, {}, others);
    return this.constructPlan(plan, this.newCheck(), others);
  }

  /** Realizes a replacement with services and RAM blocks of the old device; answers how to restore the contents of these. */
  realizeReplacement(made: PluggedDevice, old: PluggedDevice): () => void {
    this.maker.handOverServices(old.device, made.device);
    return this.board.ramOwners.realize(made, () => this.realize(made), old.device);
  }

  /** Frees the services, eventfds and RAM blocks of a device, but for the RAM blocks that another one has too. */
  retire({ device }: PluggedDevice, other?: PluggedDevice): void {
    this.maker.retire(device);
    this.board.forgetRamOf(device, other?.device);
  }

  /** Closes the eventfds of retired devices, unless a transaction is open: there it is too early. */
  closeRetired(): void {
    if (!this.board.topology.inTransaction) this.maker.closeRetired();
  }

  /** Frees memory, address spaces and services. Without it, a synchronous loop would keep them all. */
  dispose(): void {
    this.board.dispose();
    this.container.unbindAll();
  }

  /** The reverse of plugging in, also for a device that was plugged in only in part. */
  takeOut(plugged: PluggedDevice): void {
    const { id, device } = plugged;
    this.board.topology.transaction(() => {
      this.wires.disconnect(id);
      plugged.leaveBus();
      this.backends.takeBack(device);
      if (!device.realized) return this.forget(device);
      for (const timer of timersOf(device).values()) timer.cancel();
      plugged.unmapRegions();
      this.retire(plugged);
      inDevice(id, device, 'onUnrealize()', () => device.unrealize());
    });
    this.closeRetired();
  }

  private constructPlan(plan: MachinePlan, check: WiringCheck, present: readonly PluggedDevice[]): PluggedDevice[] {
    const { devices } = plan;
    const ids = [...present, ...devices].map(({ id }) => id);
    const sound = devices.filter((planned) => check.checkServices(planned) && !planned.faulty);
    const made = this.maker.makeAll(sound);
    const failed = made.filter((one) => one instanceof DeviceFailure);
    const instances = new Map(
      sound.flatMap((planned, index) => {
        const device = made[index];
        return device === undefined || device instanceof DeviceFailure ? [] : [[planned, device] as const];
      }),
    );
    const places = this.findPlaces(plan, instances, present);
    const mappings = new Map([...places].map(([device, place]) => [device, check.mappingsOf(device, place)]));
    check.checkOverlaps([...mappings.values()].flat());
    const constructed = [...instances].map(
      ([planned, device]) => new PluggedDevice(planned, device, mappings.get(planned) ?? [], places.get(planned)),
    );
    const processor = plan === this.plan ? this.processor : [];
    const connections = [...devices.flatMap(connectionsOf), ...processor];
    const problems = [
      ...this.problems,
      ...failed.map(({ code, message }) => ({ code, message })),
      ...pinMistakes([...constructed.flatMap(connectionsOf), ...processor], [...present, ...constructed]),
      ...driverMistakes(connections, present.flatMap(connectionsOf)),
      ...controllerMistakes(this.definition.interruptController, ids, constructed),
      ...plan.problems,
      ...this.backends.problems(devices.map(asking), present.map(asking)),
      ...check.problems,
      ...endMistakes(connections, ids, (token) => this.container.isBound(token), this.definition.name),
    ];
    if (problems.length === 0) return constructed;
    for (const { device } of constructed) this.forget(device);
    this.closeRetired();
    throw new WiringError(this.definition.name, problems, failed[0]);
  }

  /** The places of the planned devices. A controller that could not be made may have had the bus that one of them names. */
  private findPlaces(
    { devices, problems }: MachinePlan,
    instances: ReadonlyMap<PlannedDevice, Device>,
    present: readonly PluggedDevice[],
  ): ReadonlyMap<PlannedDevice, BusPlace> {
    const made = [...instances].map(([{ id }, device]) => ({ id, device }));
    const lost = devices.filter((planned) => !instances.has(planned));
    const failedKinds = this.busTokens.filter((token) => this.service(token) === undefined).map(({ kind }) => kind);
    const search = {
      machine: this.definition.name,
      buses: busesIn(this.serviceBuses, [...present, ...made]),
      present,
      mayHaveFailed: (kind: string, wanted: string | undefined) =>
        failedKinds.includes(kind) || lost.some(({ id }) => wanted === id || wanted?.startsWith(`${id}.`)),
    };
    return findPlaces(devices, search, problems);
  }

  /** Nothing stays of a device that was made and not realized: its constructor may have started a counter. */
  private forget(device: Device): void {
    for (const timer of timersOf(device).values()) timer.cancel();
    this.maker.retire(device);
  }

  /** Takes devices out whose plugging in has failed. */
  private takeBack(plugged: readonly PluggedDevice[]): void {
    for (const one of [...plugged].reverse()) quietly(() => this.takeOut(one));
  }

  private newCheck(): WiringCheck {
    return new WiringCheck(this.definition.name, this.container, this.stateful);
  }

  private realize({ id, device }: PluggedDevice): void {
    const context = { id, topology: this.board.topology, guestErrors: this.guestErrors };
    // Everything made meanwhile belongs to the device, also what its bus makes for it, such as an expansion ROM.
    inDevice(id, device, 'onRealize()', () => collectTimers(() => realizeDevice(device, context)));
  }

  private plugOne(one: PluggedDevice): void {
    this.board.ramOwners.realize(one, () => this.realize(one));
    one.mapRegions();
    one.joinBus();
    this.backends.give(one.device);
  }

  private bindServices(): void {
    const { accelerator } = this;
    const power: PowerController = { requestPowerOff: (why, status) => accelerator.requestPowerOff(why, status) };
    const reset: ResetController = { requestReset: () => accelerator.requestReset() };
    this.container.bind(MachineBoard).toConstantValue(this.board);
    this.container.bind(Accelerator).toConstantValue(accelerator);
    this.container.bind(ResetController).toConstantValue(reset);
    this.container.bind(PowerController).toConstantValue(power);
    this.container.bind(VirtualClock).toConstantValue(new ManualClock());
    try {
      const bound = loadServices(this.container, this.definition.services, [VirtualClock], this.stateful);
      this.busTokens = bound.filter(isBusToken);
    } catch (error) {
      const message = `A service module failed to load: ${describeThrown(error)}`;
      this.problems.push({ code: codeOf(error, 'service-failure'), message });
    }
  }

  private checkClock(): void {
    const clock = this.check.service(VirtualClock);
    const { startAt } = this.request;
    if (clock === undefined) return;
    if ('advanceTo' in clock) {
      const { now, epoch } = new ManualClock(startAt);
      if (startAt !== undefined) (clock as MachineClock).set(now, epoch);
      return;
    }
    const message = `The machine's clock is a ${clock.constructor.name} without advanceTo(time): guest time could not advance. Bind a ManualClock.`;
    this.problems.push({ code: 'clock-cannot-advance', message });
  }
}

/** What the check of back ends is told of a device; one with wrong options asks for none. */
function asking(one: PlannedDevice | PluggedDevice) {
  const { id, metadata, given } = one;
  const isFaulty = 'faulty' in one && one.faulty;
  return { id, metadata, values: isFaulty ? {} : metadata.options.values(given, id) };
}
