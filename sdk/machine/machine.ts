import {
  type Accelerator,
  type GuestImage,
  type GuestRunOptions,
  type MachineClock,
  type RunOptions,
  type RunOutcome,
  simulatedAccelerator,
} from '../accelerator/index.ts';
import { type Inbox, MachineBackends } from '../backend/index.ts';
import { BackplaneError } from '../base/errors.ts';
import {
  type ConcreteDeviceClass,
  captureSchema,
  type GuestError,
  GuestErrors,
  refusedAccesses,
  type Token,
} from '../device/index.ts';
import type { AddressSpace, MappedSpace, MemoryTopology, RamBlock } from '../memory/index.ts';
import { acceleratorHost, forOneMachine, resetMachine } from './accelerator-host.ts';
import { MachineBuilder } from './builder.ts';
import type { MachineBus } from './buses/list.ts';
import { warningsOf } from './checks.ts';
import type { BuildRequest, MachineDefinition, MachineRequest, RestoreRequest, RunningMachine } from './definition.ts';
import { disposedMachine, prepareMachine, quietly, timerFailure, unrealizeAll } from './device-failures.ts';
import { checkDefinition, checkPlugged, checkRequest, restoreWords } from './given-definition.ts';
import { deviceOfClass, refuseInsideHandler, replaceDevices, unpluggable } from './hotplug.ts';
import { postOption, routeLiveOptions } from './live-options.ts';
import { type MapOrder, mapOrder } from './map-order.ts';
import { type MachineObserver, ObserverHub } from './observers.ts';
import type { StatefulServices } from './services.ts';
import { readRequest } from './snapshot/rebuild.ts';
import { restoreMachine } from './snapshot/restore.ts';
import { type MachineSnapshot, rebaseState, saveMachine } from './snapshot/save.ts';
import type { MachineOptionValues, PluggedDevice, UsedDevice } from './wiring.ts';

/** A machine that was built: memory, ports, devices, and an accelerator that runs its guest. RunningMachine documents its parts. */
export class Machine implements RunningMachine {
  readonly definition: MachineDefinition;
  readonly options: MachineOptionValues;
  readonly accelerator: Accelerator;
  readonly topology: MemoryTopology;
  readonly memory: AddressSpace;
  readonly io: AddressSpace;
  readonly clock: MachineClock;
  readonly ramSize: number;
  /** Suspicious but legal wiring, found when the machine was built. */
  readonly warnings: readonly string[];
  readonly backends: MachineBackends;
  readonly inbox: Inbox;
  /** @internal */
  readonly mapWhenBuilt: MapOrder;
  /** @internal */
  readonly statefulServices: StatefulServices;
  /** @internal */
  readonly hotplug = { plugged: new Set<string>(), unplugged: new Set<string>() };
  private readonly builder: MachineBuilder;
  private plugged: readonly PluggedDevice[] = [];
  private readonly errors: GuestErrors;
  private readonly observers: ObserverHub;
  private disposed = false;
  private leaveClock = (): void => {};

  /** Builds the machine and resets it once. All wiring mistakes come in one WiringError, before anything is mapped. */
  static create(definition: MachineDefinition, request: MachineRequest = {}): Machine {
    return forOneMachine(request, () => {
      checkDefinition(definition);
      checkRequest(definition.name, request);
      return new Machine(definition, request);
    });
  }

  /**
   * Builds the machine of a snapshot, which continues where the saved one was. RAM size and options come from the snapshot, unless
   * the request has them. A StateError lists all differences, and then there is no machine.
   */
  static restore(definition: MachineDefinition, snapshot: unknown, request: RestoreRequest = {}): Machine {
    const machine = forOneMachine(request, () => {
      checkDefinition(definition);
      checkRequest(definition.name, request, restoreWords);
      const saved = readRequest(snapshot, definition);
      return new Machine(definition, { ...saved, ...request, options: { ...saved.options, ...request.options } });
    });
    try {
      restoreMachine(machine, snapshot, request);
      return machine;
    } catch (error) {
      quietly(() => machine.dispose());
      throw error;
    }
  }

  private constructor(definition: MachineDefinition, request: BuildRequest) {
    this.definition = definition;
    this.accelerator = request.accelerator ?? simulatedAccelerator();
    this.errors = new GuestErrors(request.onGuestError);
    this.observers = new ObserverHub(this, request.onObserverFailure ?? (() => {}));
    this.backends = new MachineBackends(request.backends, request.onBackendError);
    this.inbox = this.backends.inbox;
    routeLiveOptions(this);
    const { accelerator, errors, backends } = this;
    const builder = backends.orClose(() => new MachineBuilder(definition, request, accelerator, errors, backends));
    this.builder = builder;
    this.statefulServices = builder.stateful;
    const { board } = builder;
    ({ topology: this.topology, memory: this.memory, io: this.io } = board);
    ({ options: this.options, ramSize: this.ramSize } = board);
    try {
      const constructed = builder.construct();
      this.clock = builder.clock;
      this.leaveClock = this.clock.onRebase((nanoseconds) => rebaseState(this, nanoseconds));
      this.clock.explainFailure = (timer, failure) => timerFailure(this.devices, timer, failure);
      this.clock.insideHandler = () => this.topology.handlerDepth > 0;
      this.topology.observer = refusedAccesses(this.errors);
      builder.plugIn(constructed);
      builder.wires.connect(builder.processor, constructed);
      this.plugged = constructed;
      prepareMachine(this);
      this.accelerator.attach(acceleratorHost(this, builder.processor, errors));
      resetMachine(this, this.statefulServices);
      for (const { device } of this.devices) captureSchema(device);
      // A restored machine receives once its state is in place.
      if (request.savedDevices === undefined) this.backends.start();
      this.mapWhenBuilt = mapOrder(this.topology);
      this.statefulServices.remember();
      this.warnings = warningsOf(this);
    } catch (error) {
      quietly(() => this.dispose());
      throw error;
    }
  }

  get devices(): readonly PluggedDevice[] {
    return this.plugged;
  }

  get buses(): readonly MachineBus[] {
    return this.builder.busesWith(this.plugged);
  }

  get ramBlocks(): ReadonlyMap<string, RamBlock> {
    return this.builder.board.ramBlocks;
  }

  get addressSpaces(): readonly MappedSpace[] {
    return this.topology.addressSpaces;
  }

  get guestErrors(): readonly GuestError[] {
    return this.errors.all;
  }

  device<C extends ConcreteDeviceClass>(deviceClass: C): InstanceType<C> {
    return deviceOfClass(this, deviceClass);
  }

  deviceById(id: string): PluggedDevice | undefined {
    return this.devices.find((device) => device.id === id);
  }

  service<S>(token: Token<S>): S | undefined {
    return this.builder.service(token);
  }

  /**
   * Plugs one more device in: `machine.plug(use(Edu, { addr: '05.0' }))`. It is reset, and the guest sees all of it at once. Mistakes
   * come in a WiringError and leave the machine as it was. Plug function 0 of a card last: guests find the others by it.
   */
  plug(used: UsedDevice): PluggedDevice {
    this.refuseDisposed('plug');
    checkPlugged(this.definition.name, used);
    const [plugged] = this.builder.plugMore([used], this.plugged);
    if (plugged === undefined) {
      throw new BackplaneError(
        'when-not-met',
        `Machine '${this.definition.name}': plug(${used.device.name}): its 'when' does not hold for this machine. Leave it out.`,
      );
    }
    this.plugged = [...this.plugged, plugged];
    this.hotplug.plugged.add(plugged.id);
    this.observers.follow();
    return plugged;
  }

  /** Removes a device with its regions, BARs, wires and timers, all at once for the guest. Its pins go low. */
  unplug(id: string): void {
    this.refuseDisposed('unplug');
    const device = unpluggable(this.plugged, id, this.definition);
    this.plugged = this.plugged.filter((one) => one !== device);
    if (!this.hotplug.plugged.delete(id)) this.hotplug.unplugged.add(id);
    this.builder.takeOut(device);
  }

  /** The observer receives each access, exit, queued write, interrupt and timer. Answers how to remove it. */
  observe(observer: MachineObserver): () => void {
    this.refuseDisposed('observe');
    return this.observers.add(observer);
  }

  /**
   * Replaces a device by an instance of another class of the same type, between two instructions. The new device loads the state of
   * the old one. A difference is refused, and the old device stays.
   */
  swap(id: string, deviceClass: ConcreteDeviceClass): readonly string[] {
    return this.swapAll(new Map([[id, deviceClass]]));
  }

  /** Swaps several devices, by their ids: all of them, or none. Answers errors of the old devices in onUnrealize(), usually none. */
  swapAll(classes: ReadonlyMap<string, ConcreteDeviceClass>): readonly string[] {
    this.refuseDisposed('swap');
    refuseInsideHandler(this.topology, this.definition);
    this.settle();
    const swaps = [...classes].map(([id, deviceClass]) => ({
      old: unpluggable(this.plugged, id, this.definition, 'swap'),
      deviceClass,
    }));
    const { made, complaints } = replaceDevices(swaps, this.plugged, this.builder);
    this.plugged = this.plugged.map((one) => made[swaps.findIndex(({ old }) => old === one)] ?? one);
    this.observers.follow();
    return complaints;
  }

  /** Runs one guest, or one per virtual processor, until it ends, is paused or resets the machine. */
  run(guests: GuestImage | readonly GuestImage[], options: GuestRunOptions = {}): RunOutcome {
    this.load(guests, options);
    return this.resume(options);
  }

  /** Continues the guests of the last run. */
  resume(options: RunOptions = {}): RunOutcome {
    this.refuseDisposed('resume');
    try {
      return this.accelerator.run(options);
    } finally {
      this.backends.flush();
    }
  }

  /** Gives the processors their guests, for a run. @internal */
  load(guests: GuestImage | readonly GuestImage[], options: GuestRunOptions): void {
    this.refuseDisposed('run');
    this.accelerator.load('length' in guests ? guests : [guests], options);
  }

  /** Ends the run between two instructions, with nothing half done and nothing queued. Devices may call it too. */
  pause(): void {
    this.accelerator.pause();
    this.inbox.wake?.();
  }

  /** The reset button. */
  reset(): void {
    this.refuseDisposed('reset');
    this.accelerator.requestReset();
    this.inbox.wake?.();
  }

  /**
   * Gives a live option of a device another value: `machine.setOption('timer0', 'speed', 2)`. The device has it before the next
   * instruction, and so has a replay.
   */
  setOption(id: string, name: string, value: unknown): void {
    this.refuseDisposed('setOption');
    postOption(this, id, name, value);
  }

  /** @internal */
  restoreWires(): void {
    this.builder.wires.restore();
  }

  settle(): void {
    this.accelerator.settle();
  }

  /** The machine as data for JSON. A guest program in progress must have been run with `{ savable: true }`. */
  save(): MachineSnapshot {
    this.refuseDisposed('save');
    return saveMachine(this);
  }

  /** Unrealizes the devices and frees the memory, also if a device throws. The machine cannot run afterwards, and must not run now. */
  dispose(): void {
    this.accelerator.refuseWhileRunning('dispose');
    this.disposed = true;
    void this.backends.close();
    this.accelerator.detach();
    this.leaveClock();
    const [failure] = unrealizeAll(this.devices);
    this.builder.dispose();
    if (failure !== undefined) throw failure;
  }

  private refuseDisposed(method: string): void {
    if (this.disposed) throw disposedMachine(this.definition.name, method);
  }
}
