import type { AcceleratorEvent, Moment } from '../accelerator/index.ts';
import { BackplaneError } from '../memory/index.ts';
import type { Machine } from './machine.ts';

/** A pin of a device changed its level. */
export interface InterruptEvent extends Moment {
  readonly kind: 'interrupt';
  /** The id of the device. */
  readonly device: string;
  /** The name of the pin; 'msi' for a message, which only goes up. */
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

/** Everything an observer can see. `kind` says which. */
export type MachineEvent = AcceleratorEvent | InterruptEvent | TimerEvent;

/** An observer at work on one machine. */
export interface Observation {
  observe(event: MachineEvent): void;
  /** The run is over, or the observer was taken off: the place for a summary. */
  end?(): void;
}

/** Watches machines without being part of them. What it throws takes it off, and the machine goes on. */
export interface MachineObserver {
  readonly name: string;
  readonly description?: string;
  /** Begins to watch a machine. */
  start(machine: Machine): Observation;
}

const defined = new WeakSet<object>();

/** Declares an observer: what a plugin exports, and what `machine.observe` takes. */
export function defineObserver(observer: MachineObserver): MachineObserver {
  const { name, start } = observer as Partial<Record<keyof MachineObserver, unknown>>;
  if (typeof name !== 'string' || name === '' || typeof start !== 'function') {
    throw new BackplaneError(
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
