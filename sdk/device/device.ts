import { BackplaneError, deviceFailure } from '../base/errors.ts';
import type { MemoryRegion, MemoryTopology, RegionOwner } from '../memory/index.ts';
import { reserveMembers } from './class-checks.ts';
import type { ClassMetadata, DeviceInstance, RealizeContext } from './class-metadata.ts';
import { claimClass, metadataOf } from './class-recorder.ts';
import { guestErrorsOf } from './guest-errors.ts';
import { type DeviceEvents, type InputPin, makeEvents } from './pins/events.ts';
import type { RegionTemplate } from './regions/region.ts';
import type { BankAccess } from './registers/bank.ts';
import { noLocks, registerLocks } from './registers/locks.ts';
import type { RegisterBank, RegisterDeclaration } from './registers/model.ts';
import { subDevicesOf, unrealizeSubDevices, withSubDevices } from './sub-devices.ts';
import { realizeTimers, resetCounters, wrapTimers } from './timers.ts';

/** A device class, as decorators and machines name it. */
export type DeviceClass<D extends Device = Device> = abstract new (...args: never) => D;
/** A device class that a machine can make instances of. */
export type ConcreteDeviceClass<D extends Device = Device> = new (...args: never) => D;

/** What runs around the handlers of a realized device with input pins or derived outputs; undefined for others. */
let eventsOf: (device: Device) => DeviceEvents | undefined;

export { eventsOf };

const noInputs: ReadonlyMap<string, InputPin> = new Map();

/** The input pins of a realized device by name, and those of devices inside it: `channels[1].hold`. */
export function inputsIn(device: Device): ReadonlyMap<string, InputPin> {
  return withSubDevices(device, (one) => eventsOf(one as Device)?.inputs ?? noInputs);
}

/** A place among the registers of a device that an access reaches through a region of another one. */
export interface RegistersBehind {
  readonly device: Device;
  readonly bank: RegisterBank;
  /** In the bank. */
  readonly offset: number;
}

/**
 * A model of a piece of hardware. Its life: construct (no effect on the machine), realize (regions are built and sealed),
 * reset (any number of times), unrealize. A device overrides `onRealize`, `reset` and `onUnrealize`; a machine calls the rest.
 * The base class of a bus's devices names the class of the bus: `static readonly plugsInto = IsaBus`.
 */
export abstract class Device implements DeviceInstance, RegionOwner {
  #context: RealizeContext | undefined;
  #regions: ReadonlyMap<RegionTemplate, MemoryRegion> = new Map();
  #events: DeviceEvents | undefined;

  static {
    eventsOf = (device) => device.#events;
  }

  get id(): string {
    return this.#context?.id ?? this.constructor.name;
  }

  /** @internal */
  get metadata(): ClassMetadata {
    return metadataOf(this.constructor as DeviceClass);
  }

  /** The kind of bus that it plugs into: 'isa', 'pci', 'system'. */
  get bus(): string {
    return this.metadata.bus;
  }

  get realized(): boolean {
    return this.#context !== undefined;
  }

  /** The memory region that this instance got from a region of its class. It exists from realize to unrealize. */
  region(template: RegionTemplate): MemoryRegion {
    const region = this.#regions.get(template);
    if (region === undefined) throw noSuchRegion(this, template);
    return region;
  }

  /** Its registers in a bank as accesses of the guest reach them. Undefined: what `bankOf` answers is all there is. */
  registerAccess(_bank: RegisterBank): BankAccess | undefined {
    return undefined;
  }

  /** The registers of a bank that have a name, also such that are no fields of the class. @internal */
  registersIn(bank: RegisterBank): readonly RegisterDeclaration[] {
    return this.metadata.registers.filter((register) => register.bank === bank);
  }

  /** Where an access leads whose region is a window onto the registers of another device; undefined for other regions. */
  registersBehind(_region: RegionTemplate, _offset: number): RegistersBehind | undefined {
    return undefined;
  }

  /** `realizeDevice` calls it. @internal */
  realize(context: RealizeContext, regions: () => ReadonlyMap<RegionTemplate, MemoryRegion>): void {
    if (this.realized)
      throw new BackplaneError('device-realized-twice', `Device '${this.id}' is realized already. Unrealize it first.`);
    this.#events = makeEvents(this, context.outer && eventsOf(context.outer as Device));
    this.#regions = regions();
    this.#context = context;
    guestErrorsOf.set(this, context.guestErrors);
    realizeTimers(this, () => this.onRealize());
    const events = this.#events;
    if (events !== undefined) wrapTimers(this, (callback) => () => runEvent(this, events, callback));
  }

  /** @internal */
  unrealize(): void {
    if (!this.realized) return;
    try {
      this.onUnrealize();
    } finally {
      this.#context?.guestErrors.leave(this.id);
      guestErrorsOf.delete(this);
      this.#regions = new Map();
      this.#events = undefined;
      this.#context = undefined;
      unrealizeSubDevices(this);
    }
  }

  /**
   * Puts the device into the state that the guest finds after power-on or a reset. Here it resets the devices inside it, and
   * then the declared registers and the counters: a device that has some and overrides this calls `super.reset()`.
   */
  reset(): void {
    for (const { device } of subDevicesOf<Device>(this)) inDeviceEvent(device, device.reset);
    resetRegisters(this);
    resetCounters(this);
  }

  /**
   * A snapshot of this version of the class has been put into the fields. Check here what belongs together, and rebuild what
   * follows from it. An error that is thrown refuses the snapshot, and nothing of it is kept.
   */
  onStateLoaded(_version: number): void {}

  /** A live option has another value, which its options object shows. Between two instructions. */
  onOptionChange(_name: string): void {}

  /** A mistake of the guest: loud once, then counted, never thrown. Answers undefined, so that a handler can return it. */
  guestError(message: string): undefined {
    this.#context?.guestErrors.report(this.id, message);
    return undefined;
  }

  /** Once, when the regions exist: the place for aliases and further regions. */
  protected onRealize(): void {}
  protected onUnrealize(): void {}

  /** The machine's memory, for regions made by hand in `onRealize`.*/
  protected get topology(): MemoryTopology {
    if (this.#context === undefined)
      throw new BackplaneError('device-not-realized', `Device '${this.id}' has no topology before realize.`);
    return this.#context.topology;
  }
}

claimClass(Device);
reserveMembers(Device, {
  id: 'what the machine calls the device',
  metadata: 'what its class declares',
  realized: 'whether its regions exist',
  region: 'the memory region of a declared one',
  registerAccess: 'the registers of a bank',
  realize: 'what the machine calls before onRealize()',
  unrealize: 'what the machine calls around onUnrealize()',
  guestError: 'the report of a mistake of the guest',
  topology: 'the memory map that it is part of',
});

/**
 * Runs a method of a device for something other than a memory access, such as a bus. After it, derived pins are evaluated and
 * edges delivered, as after an access. It allocates nothing: `inDeviceEvent(target, target.onWrite, byte)`.
 * An error comes out as a DeviceFailure that names the device and the method.
 */
export function inDeviceEvent<D extends Device, R>(device: D, method: (this: D) => R): R;
export function inDeviceEvent<D extends Device, R, A>(device: D, method: (this: D, a: A) => R, a: A): R;
export function inDeviceEvent<D extends Device, R, A, B>(device: D, method: (this: D, a: A, b: B) => R, a: A, b: B): R;
export function inDeviceEvent<D extends Device, R, A, B, C>(
  device: D,
  method: (this: D, a: A, b: B, c: C) => R,
  ...rest: [a: A, b: B, c: C]
): R;
export function inDeviceEvent(
  device: Device,
  method: (this: Device, a: unknown, b: unknown, c: unknown) => unknown,
  a?: unknown,
  b?: unknown,
  c?: unknown,
): unknown {
  const events = eventsOf(device);
  try {
    return events === undefined ? method.call(device, a, b, c) : runEvent(device, events, method, a, b, c);
  } catch (cause) {
    throw deviceFailure(device.id, device, `${method.name.replace('#', '') || 'a handler'}()`, cause);
  }
}

function runEvent(
  device: Device,
  events: DeviceEvents,
  method: (this: Device, a: unknown, b: unknown, c: unknown) => unknown,
  a?: unknown,
  b?: unknown,
  c?: unknown,
): unknown {
  events.enter();
  try {
    const result = method.call(device, a, b, c);
    events.settle();
    return result;
  } finally {
    events.leave();
  }
}

function noSuchRegion({ id, realized }: Device, { name }: RegionTemplate): BackplaneError {
  const why = realized ? 'its class does not name it in a decorator' : 'it is not realized, and regions are built then';
  return new BackplaneError('region-not-in-device', `Device '${id}' has no region '${name}': ${why}.`);
}

/** Every register to its reset value, write-once bits unlocked; those declared otherwise keep what they hold. */
function resetRegisters(device: DeviceInstance): void {
  for (const register of device.metadata.registers) resetRegister(device, register);
}

function resetRegister(device: DeviceInstance, register: RegisterDeclaration): void {
  const { kind, member, hasLocks, atReset, reset, count } = register;
  if (hasLocks) registerLocks(device)[member] = noLocks(register);
  if (kind !== 'stored' || atReset !== 'reset-value') return;
  const fields = device as unknown as Record<string, number | bigint | BigUint64Array>;
  if (count === undefined) fields[member] = reset;
  else (fields[member] as BigUint64Array).fill(reset as bigint);
}
