import type { Container, Newable } from 'inversify';
import { Accelerator, type MachineClock } from '../accelerator/accelerator.ts';
import { EventNotifiers, PciBus, PciDevice, ResetController, SystemBus } from '../bus/index.ts';
import { ManualClock, VirtualClock } from '../clock/index.ts';
import {
  type ConcreteDeviceClass,
  constructDevice,
  type Device,
  DeviceOptions,
  type DeviceSurroundings,
  type GuestErrors,
  nearest,
  pinsOf,
  timersOf,
} from '../device/index.ts';
import { BackplaneError } from '../memory/index.ts';
import { MachineBoard } from './machine-board.ts';
import type { MachineDefinition } from './machine-definition.ts';
import { EmptyBoard, PluggedDevice } from './machine-parts.ts';
import { type DeviceOptionValues, MachinePlan, type PlannedDevice } from './machine-plan.ts';
import { loadServices, newContainer } from './services.ts';
import { swapDevice } from './swapping.ts';
import { DeviceWire, type UsedDevice } from './wiring.ts';
import { type Mapping, WiringCheck } from './wiring-check.ts';
import { WiringError } from './wiring-error.ts';

export interface BuildRequest {
  readonly accelerator: Accelerator;
  readonly ramSize: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly deviceOptions: DeviceOptionValues;
  readonly guestErrors: GuestErrors;
}

/** A device that exists but is not mapped yet. */
interface ConstructedDevice {
  readonly plan: PlannedDevice;
  readonly device: Device;
  readonly mappings: readonly Mapping[];
}

/**
 * Builds a machine in two steps. The first looks at everything and makes nothing that a guest could see: all mistakes
 * come out of it together. The second cannot fail for a reason in the wiring.
 */
export class MachineBuilder {
  readonly board: EmptyBoard;
  private readonly container = newContainer();
  private readonly mistakes: string[] = [];
  private readonly plan: MachinePlan;
  private readonly check: WiringCheck;
  /** The options of the device under construction. */
  private current: Readonly<Record<string, unknown>> = {};

  constructor(
    private readonly definition: MachineDefinition,
    private readonly request: BuildRequest,
  ) {
    const options = this.machineOptions();
    const { accelerator, ramSize } = request;
    this.board = new EmptyBoard((size, name) => accelerator.allocateRam(size, name), ramSize, options);
    this.plan = new MachinePlan(definition.devices, options, request.deviceOptions);
    this.check = new WiringCheck(definition.name, this.container);
    this.bindServices();
  }

  /** A service of the machine, made if need be. */
  service<S>(token: abstract new (...args: never) => S): S | undefined {
    return this.container.isBound(token) ? this.check.service(token) : undefined;
  }

  /** The machine's clock. Only after `construct`, which checks that it can be moved. */
  get clock(): MachineClock {
    return this.container.get(VirtualClock) as MachineClock;
  }

  /** First step. Throws a WiringError with everything that is wrong. */
  construct(): ConstructedDevice[] {
    // The board comes first, even if no device asks for it: whoever binds it lays out the memory.
    this.service(SystemBus);
    this.checkInterruptControllers();
    this.checkClock();
    return this.constructPlan(this.plan, this.check, []);
  }

  /** Both steps for devices that come later; `present` are those that the machine has. */
  plugMore(used: readonly UsedDevice[], present: readonly PluggedDevice[]): PluggedDevice[] {
    this.mistakes.length = 0;
    const plan = new MachinePlan(used, this.board.options, {}, present);
    const constructed = this.constructPlan(plan, new WiringCheck(this.definition.name, this.container), present);
    return this.board.topology.transaction(() => {
      const plugged = this.plugIn(constructed, present);
      for (const { device } of plugged) {
        device.reset();
        if (device instanceof PciDevice) device.resetOnBus();
      }
      return plugged;
    });
  }

  /** Second step: regions exist and are mapped, functions are on their bus, pins are soldered. In one transaction. */
  plugIn(constructed: readonly ConstructedDevice[], present: readonly PluggedDevice[] = []): PluggedDevice[] {
    return this.board.topology.transaction(() => {
      const plugged: PluggedDevice[] = [];
      try {
        for (const made of constructed) {
          const one = this.pluggedFrom(made);
          plugged.push(one);
          this.plugOne(one);
        }
        for (const one of plugged) this.solder(one, [...present, ...plugged]);
      } catch (error) {
        for (const one of plugged.reverse()) this.takeOut(one);
        throw error;
      }
      return plugged;
    });
  }

  /** Another class in the place of a device: both steps, and the state goes over. */
  replace(old: PluggedDevice, deviceClass: ConcreteDeviceClass, present: readonly PluggedDevice[]): PluggedDevice {
    this.mistakes.length = 0;
    const others = present.filter((one) => one !== old);
    const { topology } = this.board;
    return swapDevice(old, deviceClass, {
      topology,
      clock: this.clock,
      pci: this.service(PciBus),
      make: (used) => {
        const plan = new MachinePlan([used], this.board.options, {}, others);
        const made = this.constructPlan(plan, new WiringCheck(this.definition.name, this.container), others);
        return this.pluggedFrom(made[0] as ConstructedDevice);
      },
      realize: ({ id, device }) =>
        this.board.ramOwners.realize(device, () => device.realize(this.surroundings(id)), old.device),
      solder: (one) => this.solder(one, [...others, one]),
    });
  }

  /** The reverse of plugging in, also of what was plugged in only in part. */
  takeOut({ device, mappings, cuts }: PluggedDevice): void {
    this.board.topology.transaction(() => {
      for (const cut of cuts.splice(0)) cut();
      if (device instanceof PciDevice) this.service(PciBus)?.unregister(device);
      if (!device.realized) return;
      for (const timer of timersOf(device).values()) timer.cancel();
      for (const { planned } of mappings) {
        const region = device.region(planned.template);
        region.container?.removeSubregion(region);
      }
      device.unrealize();
    });
  }

  private constructPlan(plan: MachinePlan, check: WiringCheck, present: readonly PluggedDevice[]): ConstructedDevice[] {
    const { devices } = plan;
    const ids = [...present, ...devices].map(({ id }) => id);
    const mappings = new Map(devices.map((device) => [device, check.mappingsOf(device)]));
    check.checkOverlaps([...mappings.values()].flat());
    for (const device of devices) check.checkWires(device, ids);
    const sound = devices.filter((planned) => check.checkServices(planned) && !planned.faulty);
    const constructed = this.constructAll(sound, mappings);
    this.checkPins(constructed, present);
    const mistakes = [...this.mistakes, ...plan.mistakes, ...check.mistakes];
    if (mistakes.length > 0) throw new WiringError(this.definition.name, mistakes);
    return constructed;
  }

  private surroundings(id: string): DeviceSurroundings {
    return { id, topology: this.board.topology, guestErrors: this.request.guestErrors };
  }

  private pluggedFrom({ plan, device, mappings }: ConstructedDevice): PluggedDevice {
    const options = plan.blueprint.options.resolve(plan.given, plan.id);
    return new PluggedDevice({ ...plan, device, mappings, options });
  }

  private plugOne({ id, device, mappings, address }: PluggedDevice): void {
    this.board.ramOwners.realize(device, () => device.realize(this.surroundings(id)));
    for (const { container, planned, start, priority } of mappings) {
      container.addSubregion(start, device.region(planned.template), priority);
    }
    if (address !== undefined) this.service(PciBus)?.register(device as never, address);
  }

  private machineOptions(): Readonly<Record<string, unknown>> {
    const { options: declared, name } = this.definition;
    const given = this.request.options;
    if (declared !== undefined) {
      const problems = declared.problems(given, `Machine '${name}'`);
      this.mistakes.push(...problems);
      return declared.resolve(problems.length > 0 ? {} : given, name);
    }
    for (const option of Object.keys(given))
      this.mistakes.push(`Machine '${name}': there is no option '${option}'. It has none.`);
    return {};
  }

  private bindServices(): void {
    const { accelerator } = this.request;
    const reset: ResetController = { requestReset: () => accelerator.requestReset() };
    this.container.bind(MachineBoard).toConstantValue(this.board);
    this.container.bind(Accelerator).toConstantValue(accelerator);
    this.container.bind(ResetController).toConstantValue(reset);
    this.container.bind(EventNotifiers).toConstantValue({ add: (consumer) => accelerator.eventfd(consumer) });
    this.container
      .bind(DeviceOptions)
      .toDynamicValue(() => this.current)
      .inTransientScope();
    this.container.bind(VirtualClock).toConstantValue(new ManualClock());
    try {
      loadServices(this.container, this.definition.services, [VirtualClock]);
    } catch (error) {
      this.mistakes.push(`A service module failed to load: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /**
   * Device classes are bound in a container of their own, which is thrown away: a device is no service of another one, and a
   * container remembers for ever what was bound in it, also after unbind.
   */
  private constructAll(
    plans: readonly PlannedDevice[],
    mappings: ReadonlyMap<PlannedDevice, readonly Mapping[]>,
  ): ConstructedDevice[] {
    const classes = new Set(plans.map(({ used }) => used.device as unknown as Newable<Device>));
    const maker = newContainer(this.container);
    for (const deviceClass of classes) maker.bind(deviceClass).toSelf().inTransientScope();
    return plans.flatMap((plan) => {
      const device = this.constructOne(plan, maker);
      return device === undefined ? [] : [{ plan, device, mappings: mappings.get(plan) ?? [] }];
    });
  }

  private constructOne({ id, blueprint, given, used }: PlannedDevice, maker: Container): Device | undefined {
    this.current = blueprint.options.resolve(given, id);
    try {
      return constructDevice(() => maker.get(used.device as unknown as Newable<Device>));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.mistakes.push(`Device '${id}': ${used.device.name} could not be constructed: ${why.trim()}`);
      return undefined;
    }
  }

  private checkPins(constructed: readonly ConstructedDevice[], present: readonly PluggedDevice[]): void {
    const all = [...present, ...constructed.map(({ plan, device }) => ({ id: plan.id, device }))];
    for (const { plan, device } of constructed) {
      for (const [name, wire] of plan.wires) {
        this.checkPin(plan.id, device, name, '');
        const other = wire instanceof DeviceWire ? all.find(({ id }) => id === wire.device) : undefined;
        if (other !== undefined && wire instanceof DeviceWire) {
          this.checkPin(other.id, other.device, wire.pin, ` It is named by a wire of '${plan.id}'.`);
        }
      }
    }
  }

  private checkInterruptControllers(): void {
    for (const controller of [this.definition.interruptController ?? []].flat()) {
      if (this.plan.devices.some(({ id }) => id === controller)) continue;
      this.mistakes.push(
        `The machine's interruptController is '${controller}', and no device has that id. Give one that id.`,
      );
    }
  }

  private checkClock(): void {
    const clock = this.check.service(VirtualClock);
    if (clock === undefined || 'advanceTo' in clock) return;
    this.mistakes.push(
      `The machine's clock is a ${clock.constructor.name}, which nobody can move on: it has no advanceTo(time). Bind a ManualClock.`,
    );
  }

  private checkPin(id: string, device: Device, name: string, remark: string): void {
    const pins = [...pinsOf(device).keys()];
    if (pins.includes(name)) return;
    const close = nearest(name, pins);
    const hint =
      close === undefined ? `It has ${pins.length === 0 ? 'none' : pins.join(', ')}.` : `Did you mean '${close}'?`;
    this.mistakes.push(`Device '${id}': ${device.constructor.name} has no pin '${name}'. ${hint}${remark}`);
  }

  private solder({ id, device, wires, cuts }: PluggedDevice, all: readonly PluggedDevice[]): void {
    const pins = pinsOf(device);
    for (const [name, wire] of wires) {
      const pin = pins.get(name);
      if (pin === undefined)
        throw new BackplaneError(`Device '${id}' has lost its pin '${name}' since it was checked.`);
      if (wire instanceof DeviceWire) {
        const other = all.find((one) => one.id === wire.device);
        const input = other && pinsOf(other.device).get(wire.pin);
        cuts.push(pin.connect((level) => input?.set(level)));
      } else {
        cuts.push(wire.connect(pin, this.service(wire.service)));
      }
    }
  }
}
