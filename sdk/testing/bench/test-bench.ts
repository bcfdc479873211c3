import { BackplaneError } from '../../base/errors.ts';
import type { Json } from '../../base/json-reader.ts';
import { didYouMean, unknownWord } from '../../base/text.ts';
import type { Bus } from '../../bus/bus.ts';
import { type ManualClock, runDevice } from '../../clock/index.ts';
import {
  type BackendsOfClass,
  type ConcreteDeviceClass,
  captureSchema,
  constructDevice,
  type Device,
  devicesIn,
  type FieldNames,
  type GuestError,
  GuestErrors,
  type InputNames,
  type InputPin,
  inDeviceEvent,
  inputsIn,
  metadataOf,
  type PinNames,
  pinsOf,
  placesByAttribute,
  RegionTemplate,
  type Register,
  type RegisterBank,
  type RegisterSpec,
  type RegisterValue,
  realizeDevice,
  stateOfDevice,
  type Token,
} from '../../device/index.ts';
import { noteOptions } from '../../device/options/live.ts';
import { noteBackends } from '../../device/part.ts';
import { setOptionNow } from '../../machine/live-options.ts';
import type { Placement } from '../../machine/wiring.ts';
import { MiB, placeInTree } from '../../memory/index.ts';
import { rebaseFields } from '../../state/fields.ts';
import { BenchBackends } from './backends.ts';
import { BenchGuest, bankWindow, RegionWindow } from './guest.ts';
import { InterruptRecorder } from './interrupt-recorder.ts';
import { BenchBus, FreeAddresses } from './place.ts';
import { declarationOf, type RegisterMembers, RegisterProbe, type ValueOfMember } from './register-probe.ts';
import { BenchServices } from './services.ts';
import { setupWords, type TestBenchOptions } from './setup.ts';
import { addressIn, followRegions, SubDeviceBench } from './sub-device-bench.ts';
import type { BackendsByName, TestBackendOf } from './test-backends.ts';

/**
 * One device alone: no machine, no accelerator, no time but the bench's clock. The test is the guest.
 * Accesses go through the memory core, with widths, alignment and splitting as in a machine. Coalesced writes are not queued.
 */
export class TestBench<D extends Device, B = BackendsByName> extends BenchGuest {
  readonly device: D;
  /** Moved by the test: `bench.clock.advance(1 * SECOND)`, or `bench.clock.rebase()`, which moves its epoch. */
  readonly clock: ManualClock;
  /** A recorder on every pin, by the pin's name: `bench.interrupts.irq.level`. */
  readonly interrupts: { readonly [P in PinNames<D>]: InterruptRecorder };
  /** The input pins, by name: `bench.pins.hold.set(true)`, `bench.pins['line[3]'].level`. */
  readonly pins: { readonly [P in InputNames<D>]: InputPin };

  /** The reason of each reset that the device requested. The bench performs none by itself. */
  readonly requestedResets: readonly string[];
  /** Each time that the device wanted to switch the machine off. The bench stays on. */
  readonly requestedPowerOffs: readonly { readonly reason: string; readonly status: number }[];
  private readonly services: BenchServices;
  private readonly options: Readonly<Record<string, unknown>>;
  private readonly mistakes = new GuestErrors();
  private readonly addresses = new Map<RegionTemplate, number>();
  private readonly place: BenchBus;
  private readonly free = new FreeAddresses();
  /** @internal */
  readonly backends: BenchBackends;

  constructor(deviceClass: ConcreteDeviceClass<D>, setup: TestBenchOptions<ConcreteDeviceClass<D>>) {
    const { ram = 1 * MiB, services: more = [], allocateRam, startAt } = setup;
    const services = new BenchServices(ram, more, allocateRam, startAt);
    super(services.io, services.memory);
    this.services = services;
    ({ requestedResets: this.requestedResets, requestedPowerOffs: this.requestedPowerOffs } = services);
    this.clock = services.clock;
    const given = (setup.options ?? {}) as Readonly<Record<string, unknown>>;
    const { options } = metadataOf(deviceClass);
    this.options = options.values(given, `Bench: ${deviceClass.name}`);
    this.backends = new BenchBackends(
      options,
      this.options,
      setup.images ?? {},
      deviceClass.name,
      setup.backends !== false,
    );
    this.place = new BenchBus(metadataOf(deviceClass), setup, (token) => services.known(token));
    services.note(this.place.bus.constructor as unknown as Token, this.place.bus);
    this.device = this.construct(deviceClass);
    const { type } = metadataOf(deviceClass);
    const recorders = [...pinsOf(this.device)].map(([name, pin]) => {
      return [name, new InterruptRecorder(pin, () => this.clock.now)] as const;
    });
    this.clock.onRebase((nanoseconds) => {
      const move = { nanoseconds, moved: new Set<object>() };
      for (const { device } of devicesIn(this.device)) rebaseFields(device, stateOfDevice(device), move);
      services.stateful.rebase(move);
      for (const [, recorder] of recorders) recorder.rebase(nanoseconds);
    });
    this.interrupts = Object.fromEntries(recorders) as Record<PinNames<D>, InterruptRecorder>;
    const { topology } = this.services;
    realizeDevice(this.device, { id: type, topology, guestErrors: this.mistakes, watchesAnswers: true });
    this.pins = Object.fromEntries(inputsIn(this.device)) as { readonly [P in InputNames<D>]: InputPin };
    this.services.topology.transaction(() => this.map(setup.at ?? []));
    this.place.attach(this.device);
    this.backends.give(this.device);
    setup.beforeReset?.(this.device);
    this.backends.watch(this.clock, [this.io, this.memory]);
    this.reset();
    captureSchema(this.device);
    services.stateful.remember();
  }

  /** Mistakes of the guest that the device reported, each kind once, with its count. */
  get guestErrors(): readonly GuestError[] {
    return this.mistakes.all;
  }

  /** The bus that the device is plugged into: `bench.bus.observer = ...`. */
  get bus(): Bus {
    return this.place.bus;
  }

  /** One transfer as a controller makes it: writes the bytes, then reads `count`. Answers what came back. An open one has no end. */
  transfer(bytes: readonly number[], count = 0, isOpen = false): readonly number[] {
    return this.backends.step(() => runDevice(() => this.place.transfer(bytes, count, isOpen)));
  }

  /** Takes the device off its bus, also in the middle of a transfer. */
  detach(): void {
    this.place.remove();
  }

  /** Resets the device and the buses, and places BARs again as firmware does. The bench has done it once. */
  reset(): void {
    this.backends.step(() => runDevice(() => inDeviceEvent(this.device, this.device.reset)));
    this.services.stateful.reset(this.place.reset(this.device, this.services.all));
    const arranged = this.place.arrange(this.device, (...wanted) => this.free.takeFor(...wanted));
    for (const [template, address] of arranged) this.addresses.set(template, address);
    followRegions(this.device, this.addresses, [this.io, this.memory]);
    this.backends.step(() => this.backends.remind());
  }

  /** What services with `@state` hold now, as a machine saves it: buses, and those that were given to the bench. */
  saveServices(): { readonly [name: string]: Json } {
    return this.services.stateful.save();
  }

  /** Loads such a state into the services of this bench. Load the device's state after it. */
  loadServices(saved: { readonly [name: string]: Json }): void {
    this.services.stateful.load(saved);
  }

  /** Drives an input pin as a wire would; the same level again is no edge. */
  setPin(name: InputNames<D>, level: boolean): void {
    const pin = (this.pins as { readonly [name: string]: InputPin | undefined })[name];
    if (pin === undefined) throw this.noSuchInput(name);
    this.backends.step(() => pin.set(level));
  }

  private noSuchInput(name: string): BackplaneError {
    const names = Object.keys(this.pins);
    const hint = didYouMean(name, names, `It has ${names.join(', ') || 'none'}.`);
    const message = `Bench: ${this.device.constructor.name} has no input pin '${name}'. ${hint}`;
    return new BackplaneError('no-such-input', message);
  }

  /** A region (or another bank of registers) by offset instead of by address: `bench.at(registers).read32(Register.Status)`. */
  at(region: RegionTemplate | RegisterBank): RegionWindow {
    if (!(region instanceof RegionTemplate)) return bankWindow(this.device, region);
    return new RegionWindow(region.kind === 'ports' ? this.io : this.memory, this.addressOf(region));
  }

  /**
   * A register by the class's field, or by the value that declared it, whose fields the compiler knows:
   * `bench.register('status').expect(0x80)`, `bench.register(status).field('computing').read()`.
   */
  register<S extends RegisterSpec>(
    register: Register<S>,
    element?: number,
  ): RegisterProbe<RegisterValue<S>, FieldNames<S>>;
  register<K extends RegisterMembers<D>>(member: K, element?: number): RegisterProbe<ValueOfMember<D[K]>>;
  register(register: Register<RegisterSpec> | string, element = 0): RegisterProbe<never, never> {
    const declaration = declarationOf(this.device.metadata, register);
    return new RegisterProbe(this, declaration, element) as unknown as RegisterProbe<never, never>;
  }

  /** A device inside the device: `bench.of(bench.device.timers[1]).register('load').write(5)`. */
  of<P extends Device>(subDevice: P): SubDeviceBench<P> {
    return new SubDeviceBench(this, subDevice);
  }

  /**
   * The other side of a back end, by the name of the device's option, or by its id:
   * `bench.backend('chardev').type('hello')`, `bench.backend('drive').failNext('no-space')`.
   */
  backend<N extends (keyof B & string) | (string & {})>(name: N): TestBackendOf<N extends keyof B ? B[N] : B[keyof B]> {
    return this.backends.find(name) as TestBackendOf<N extends keyof B ? B[N] : B[keyof B]>;
  }

  /** One of the services around the device: `bench.service(IsaBus).line(3).set(true)`. */
  service<S>(token: Token<S>): S {
    return this.services.find(token, this.device.constructor.name) as S;
  }

  /** Whether the object is one of the services around the device. */
  provides(object: object): boolean {
    return this.services.provides(object);
  }

  /** Whether the bench mapped that region. */
  has(region: RegionTemplate): boolean {
    return this.addresses.has(region);
  }

  /** Where the bench put a region of the device. */
  addressOf(region: RegionTemplate): number {
    const address = this.addresses.get(region);
    if (address !== undefined) return address;
    throw new BackplaneError(
      'region-not-on-bench',
      `Bench: '${this.device.id}' has no region '${region.name}', or maps it itself. Name a region that the class declares.`,
    );
  }

  /** Where a region of the device is, or of a device inside it; undefined if the guest does not reach it. @internal */
  placeOf(region: RegionTemplate, device: Device): number | undefined {
    if (device === this.device) return this.addresses.get(region);
    return addressIn(device.region(region), [this.io, this.memory]);
  }

  /** Gives a live option another value, at once: `bench.setOption('speed', 2)`. */
  setOption(name: string, value: unknown): void {
    this.backends.step(() => runDevice(() => setOptionNow(this.device, name, value, 'Bench')));
  }

  private construct(deviceClass: ConcreteDeviceClass<D>): D {
    const options = this.backends.forConstructor;
    const parameters: unknown[] = [];
    for (const injection of metadataOf(deviceClass).injections) {
      const { index, token } = injection;
      parameters[index] = token === undefined ? options : this.services.give(injection, deviceClass.name);
    }
    const device = constructDevice(() => Reflect.construct(deviceClass, parameters) as D);
    noteBackends(device, options);
    noteOptions(device, options);
    return device;
  }

  private map(placements: readonly Placement[]): void {
    const byBus = placesByAttribute(this.device.metadata);
    const byDevice: RegionTemplate[] = [];
    for (const { template } of this.device.metadata.regions) {
      if (byBus.has(template)) continue;
      const region = this.device.region(template);
      if (region.container !== undefined) {
        byDevice.push(template);
        continue;
      }
      const { kind, base, size } = template;
      const placed = placements.find((placement) => placement.region === template);
      const space = kind === 'ports' ? 'ports' : 'memory';
      const address = placed?.address ?? this.addressByOption(template) ?? base ?? this.free.take(space, size);
      const root = space === 'ports' ? this.io.root : this.memory.root;
      root.addSubregion(address, region, placed?.priority ?? template.priority);
      this.addresses.set(template, address);
    }
    // Perhaps into containers of its own, which are in their places now.
    for (const template of byDevice) this.addresses.set(template, placeInTree(this.device.region(template))[1]);
    const stranger = placements.find(({ region }) => !this.addresses.has(region));
    if (stranger) this.addressOf(stranger.region);
  }

  /** An option such as `iobase` is another way to say where a region goes. */
  private addressByOption(template: RegionTemplate): number | undefined {
    const { declarations } = this.device.metadata.options;
    const name = Object.keys(declarations).find((option) => declarations[option]?.places === template);
    const value = name === undefined ? undefined : this.options[name];
    return typeof value === 'number' ? value : undefined;
  }
}

/** Puts one device on a bench: `const bench = testBench(Mc146818Rtc); bench.out8(0x70, 0x0a); bench.in8(0x71)`. */
export function testBench<C extends ConcreteDeviceClass>(
  deviceClass: C,
  setup: TestBenchOptions<C> = {},
): TestBench<InstanceType<C>, BackendsOfClass<C>> {
  type D = InstanceType<C>;
  const unknown = unknownWord(setup, Object.keys(setupWords));
  if (unknown !== undefined) throw new BackplaneError('unknown-word', `testBench(${deviceClass.name}) ${unknown}`);
  return new TestBench<D, BackendsOfClass<C>>(
    deviceClass as unknown as ConcreteDeviceClass<D>,
    setup as TestBenchOptions<ConcreteDeviceClass<D>>,
  );
}
