import type { AcceleratorEvent, Moment } from '../accelerator/index.ts';
import type { InboxEvent } from '../backend/index.ts';
import { BackplaneError } from '../base/errors.ts';
import type { Timer } from '../clock/index.ts';
import { inputsIn, pinsOf, timersOf } from '../device/index.ts';
import type { ObserverFailureSink, RunningMachine } from './definition.ts';
import type { PluggedDevice } from './wiring.ts';

/** A pin of a device changed its level. */
export interface InterruptEvent extends Moment {
  readonly kind: 'interrupt';
  /** The id of the device. */
  readonly device: string;
  /** The name of the pin; 'msi' for a message, which has only a rising edge. */
  readonly pin: string;
  readonly level: boolean;
}

/** An edge reached an input pin of a device, which runs next. */
export interface InputEvent extends Moment {
  readonly kind: 'input';
  /** The id of the device. */
  readonly device: string;
  readonly pin: string;
  readonly level: boolean;
}

/** A timer expired; its callback runs next. */
export interface TimerEvent extends Moment {
  readonly kind: 'timer';
  /** The id of the device; undefined for a timer of a test, a tool or a service. */
  readonly device: string | undefined;
  readonly name: string;
}

/** Something from outside reaches its device, which runs next. */
export interface InboxDelivery extends Moment {
  readonly kind: 'inbox';
  readonly event: InboxEvent;
  /** Guest operations, over all vCPUs, that were done before. */
  readonly operations: number;
}

/** Everything an observer can see. `kind` says which. */
export type MachineEvent = AcceleratorEvent | InterruptEvent | InputEvent | TimerEvent | InboxDelivery;

/** An observer of one machine. */
export interface Observation {
  observe(event: MachineEvent): void;
  /** Called at the end of the run, or when the observer is removed: the place for a summary. */
  end?(): void;
}

/** Observes machines without changing them. If it throws, it is removed, and the machine goes on. */
export interface MachineObserver {
  readonly name: string;
  readonly description?: string;
  start(machine: RunningMachine): Observation;
}

const defined = new WeakSet<object>();

/** Declares an observer for `machine.observe`, or for a plugin to export. */
export function defineObserver(observer: MachineObserver): MachineObserver {
  const { name, start } = observer as Partial<Record<keyof MachineObserver, unknown>>;
  if (typeof name !== 'string' || name === '' || typeof start !== 'function') {
    throw new BackplaneError(
      'bad-observer',
      `defineObserver: ${name ? `observer '${String(name)}'` : 'an observer'} needs a name and a function that begins: ` +
        "{ name: 'tally', start: (machine) => ({ observe(event) { ... } }) }.",
    );
  }
  const frozen = Object.freeze({ ...observer, start: observer.start.bind(observer) });
  defined.add(frozen);
  return frozen;
}

/** Whether a value was made by `defineObserver`. */
export function isObserver(value: unknown): value is MachineObserver {
  return typeof value === 'object' && value !== null && defined.has(value);
}

interface Attached {
  readonly name: string;
  readonly observation: Observation;
  failed: boolean;
}

/** The observers of a machine. Without observers no hook is set, and accesses, pins and timers run their usual code. */
export class ObserverHub {
  private attached: readonly Attached[] = [];
  /** The id of each timer's device, and what that calls the timer. */
  private readonly timerOwners = new WeakMap<Timer, { readonly device: string; readonly name: string }>();

  constructor(
    private readonly machine: RunningMachine,
    private readonly onFailure: ObserverFailureSink,
  ) {}

  /** Answers how to remove the observer. */
  add({ name, start }: MachineObserver): () => void {
    const { machine } = this;
    const observation = this.attempt(name, () => checked(start(machine)));
    if (observation === undefined) return () => {};
    const one = { name, observation, failed: false };
    this.attached = [...this.attached, one];
    if (this.attached.length === 1) this.hook();
    return () => this.remove(one);
  }

  /** Sets the hooks of devices that were plugged in. */
  follow(): void {
    if (this.attached.length > 0) for (const plugged of this.machine.devices) this.hookDevice(plugged);
  }

  private remove(one: Attached): void {
    if (!this.attached.includes(one)) return;
    this.detach(one);
    this.attempt(one.name, () => whenRejected(one.observation.end?.(), (failure) => this.onFailure(one.name, failure)));
  }

  private detach(one: Attached): void {
    this.attached = this.attached.filter((other) => other !== one);
    if (this.attached.length === 0) this.unhook();
  }

  private emit(event: MachineEvent): void {
    for (const one of this.attached) {
      try {
        const answer: unknown = one.observation.observe(event);
        if (answer !== undefined) whenRejected(answer, (failure) => this.fail(one, failure));
      } catch (failure) {
        this.fail(one, failure);
      }
    }
  }

  /** An asynchronous observer may fail after it was removed; that is reported once too. */
  private fail(one: Attached, failure: unknown): void {
    if (this.attached.includes(one)) this.detach(one);
    if (one.failed) return;
    one.failed = true;
    this.onFailure(one.name, failure);
  }

  private attempt<T>(name: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (failure) {
      this.onFailure(name, failure);
      return undefined;
    }
  }

  private hook(): void {
    const { accelerator, clock, inbox } = this.machine;
    accelerator.observe({ clock, onEvent: (event) => this.emit(event) });
    inbox.observer = (event, operations) =>
      this.emit({ kind: 'inbox', epoch: clock.epoch, time: clock.now, event, operations });
    clock.observer = (timer) => {
      const { epoch, now: time } = clock;
      const { device, name } = this.timerOwners.get(timer) ?? { device: undefined, name: timer.name };
      this.emit({ kind: 'timer', epoch, time, device, name });
    };
    this.follow();
  }

  private unhook(): void {
    const { accelerator, clock, devices, inbox } = this.machine;
    accelerator.observe(undefined);
    inbox.observer = undefined;
    clock.observer = undefined;
    for (const { device, place } of devices) {
      for (const pin of [...pinsOf(device).values(), ...inputsIn(device).values()]) pin.observer = undefined;
      place.bus.observeInterrupts(device, undefined);
    }
  }

  private hookDevice({ id, device, place }: PluggedDevice): void {
    const { clock } = this.machine;
    const emitLevel = (pin: string, level: boolean) => {
      const { epoch, now: time } = clock;
      this.emit({ kind: 'interrupt', epoch, time, device: id, pin, level });
    };
    for (const [name, timer] of timersOf(device)) this.timerOwners.set(timer, { device: id, name });
    for (const [name, pin] of pinsOf(device)) pin.observer = (level) => emitLevel(name, level);
    for (const [name, pin] of inputsIn(device)) {
      pin.observer = (level) =>
        this.emit({ kind: 'input', epoch: clock.epoch, time: clock.now, device: id, pin: name, level });
    }
    place.bus.observeInterrupts(device, (name) => emitLevel(name, true));
  }
}

/** An asynchronous observer fails later, when its promise is rejected; the machine does not wait for it. */
function whenRejected(answer: unknown, onFailure: (failure: unknown) => void): boolean {
  const isPromise =
    typeof answer === 'object' && answer !== null && 'then' in answer && typeof answer.then === 'function';
  if (isPromise) Promise.resolve(answer).catch(onFailure);
  return isPromise;
}

/** Refuses an answer of `start` that cannot observe. */
function checked(observation: Observation): Observation {
  if (typeof observation === 'object' && observation !== null && typeof observation.observe === 'function') {
    return observation;
  }
  const isPromise = whenRejected(observation, () => {});
  throw new BackplaneError(
    'bad-observer',
    `start() answered ${isPromise ? 'a promise' : describeAnswer(observation)}, and must answer { observe(event) { ... } }` +
      `${isPromise ? ' at once: the machine does not wait' : ''}.`,
  );
}

function describeAnswer(answer: unknown): string {
  if (typeof answer !== 'object' || answer === null) return String(answer);
  return `an object with ${Object.keys(answer).join(', ') || 'nothing in it'}`;
}
