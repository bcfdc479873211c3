import { BackplaneError } from '../../base/errors.ts';
import type { InterruptPin, Token } from '../../device/index.ts';
import { shown } from '../given-values.ts';
import { isWireEnd } from './given.ts';

/** What a signal comes from: an output of a device, or a line of a bus. */
export interface SignalSource {
  readonly level: boolean;
  /** Whether anything follows it; undefined if it cannot tell. */
  readonly connected?: boolean;
  /** Called with each change. Answers how to stop that. */
  connect(onChange: (level: boolean) => void): () => void;
}

/** A wire to a service, such as a line of a bus. `InterruptWire` is one. */
export interface ServiceWire {
  readonly description: string;
  readonly service: Token;
  readonly problem?: string | undefined;
  connect(pin: InterruptPin, service: unknown): () => void;
  /** The line behind it, if an input may follow it. */
  readonly sourceIn?:
    | ((service: never) => {
        readonly level: boolean;
        readonly connected?: boolean;
        connect(onChange: (level: boolean) => void): () => void;
      })
    | undefined;
}

/** A wire to or from a pin of another device. */
export class DeviceWire {
  readonly description: string;

  constructor(
    readonly device: string,
    readonly pin: string,
  ) {
    this.description = `pin '${pin}' of '${device}'`;
  }
}

/** The opposite level of a wire or a gate. */
export class Inverted<S extends Signal = Signal> {
  constructor(readonly of: S) {
    Object.freeze(this);
  }

  get description(): string {
    return `not ${this.of.description}`;
  }
}

/** Several signals as one: the OR or the AND of them. */
export class Gate {
  readonly of: readonly Signal[];

  constructor(
    readonly kind: 'any' | 'all',
    of: readonly Signal[],
  ) {
    this.of = Object.freeze([...of]);
    Object.freeze(this);
  }

  get description(): string {
    return `${this.kind} of (${this.of.map(({ description }) => description).join(', ')})`;
  }
}

/** Where an output goes. */
export type Wire = ServiceWire | DeviceWire | Inverted<ServiceWire | DeviceWire>;

/** What an input follows: outputs of devices, lines of buses, and gates of them. */
export type Signal = ServiceWire | DeviceWire | Inverted | Gate;

/** A wire to or from a pin of another device, named by its id. */
export function pin(device: string, name: string): DeviceWire {
  return new DeviceWire(device, name);
}

/** The opposite level: `interrupts: { ready: inverted(pin('gpio', 'line[3]')) }`, or of a gate among `inputs`. */
export function inverted<S extends Signal>(signal: S): Inverted<S> {
  return new Inverted(checked(signal, 'inverted'));
}

/** High while one of the signals is: the OR. `inputs: { hold: anyOf(pin('a', 'out'), pin('b', 'out')) }`. */
export function anyOf(...signals: readonly [Signal, ...Signal[]]): Gate {
  return new Gate('any', several(signals, 'anyOf'));
}

/** High while all of the signals are: the AND. */
export function allOf(...signals: readonly [Signal, ...Signal[]]): Gate {
  return new Gate('all', several(signals, 'allOf'));
}

function several(signals: readonly Signal[], name: string): Signal[] {
  if (signals.length > 0) return signals.map((signal) => checked(signal, name));
  throw new BackplaneError(
    'empty-gate',
    `${name}() without a signal has no level. Give it one or more, or wire nothing.`,
  );
}

/** Plugins are not type-checked. */
function checked<S>(signal: S, name: string): S {
  if (isWireEnd(signal)) return signal;
  throw new BackplaneError(
    'not-a-wire',
    `${name}(): ${shown(signal)} is no wire. Give it pin(device, name), a line of a bus, or a gate.`,
  );
}

/** The wires and lines that a signal is made of. */
export function endsOf(signal: Signal): readonly (ServiceWire | DeviceWire)[] {
  if (signal instanceof Inverted) return endsOf(signal.of);
  return signal instanceof Gate ? signal.of.flatMap(endsOf) : [signal];
}
