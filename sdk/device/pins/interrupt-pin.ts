import { BackplaneError, type Fail } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import type { DeviceInstance } from '../class-metadata.ts';
import { withSubDevices } from '../sub-devices.ts';

/**
 * An output of a device. The machine says where the wire goes. Either the device sets the level, or the level is derived:
 * a function of the device's state, `new InterruptPin(() => this.status !== 0)`. A derived pin is evaluated after each access,
 * timer callback and event of its device, never while one of the device's handlers runs. Pins are evaluated in the order of
 * their declaration.
 */
export class InterruptPin {
  /** For a field with `@state`. */
  static readonly whyNoState = 'is a pin, which is state by itself. Leave @state out';
  private high = false;
  private derivation: (() => boolean) | undefined;
  /** Called with each change, before the wires. */
  observer: ((level: boolean) => void) | undefined;
  /** Where other state of the device says what its level is, this answers that: a snapshot in which the two disagree is refused. */
  highWhile: (() => boolean) | undefined;
  private readonly sinks: ((level: boolean) => void)[] = [];

  /**
   * `level` is what a derived pin shows; without it, the device calls `set`. A pin evaluated by its owner is for a bus, which
   * calls `evaluate` whenever something has changed that its level depends on.
   */
  constructor(
    level?: () => boolean,
    /** @internal */
    readonly evaluatedBy: 'events' | 'owner' = 'events',
  ) {
    this.derivation = level;
  }

  /** Whether its level is a function of the device's state. */
  get isDerived(): boolean {
    return this.derivation !== undefined;
  }

  /** Makes a pin of the base class a derived one: `this.interrupt.deriveFrom(() => this.status !== 0)`, in the constructor. */
  deriveFrom(level: () => boolean): void {
    this.derivation = level;
  }

  /** What a derived pin would show if it were evaluated now. @internal */
  get derived(): boolean {
    return this.derivation?.() === true;
  }

  /** Lets a test look on while the level is worked out. @internal */
  watchDerivation(watch: (level: () => boolean) => boolean): void {
    const { derivation } = this;
    if (derivation !== undefined) this.derivation = () => watch(derivation);
  }

  get level(): boolean {
    return this.high;
  }

  get connected(): boolean {
    return this.sinks.length > 0;
  }

  set(level: boolean): void {
    if (this.derivation !== undefined) throw derivedPinSet();
    this.drive(level);
  }

  /** Evaluates a derived pin. @internal */
  evaluate(): void {
    const level = this.derivation?.() === true;
    if (level !== this.high) this.drive(level);
  }

  private drive(level: boolean): void {
    if (this.high === level) return;
    this.high = level;
    this.observer?.(level);
    for (const sink of this.sinks) {
      // A sink may change the pin at once; the sinks after it are called with the last level only.
      if (this.high !== level) return;
      sink(level);
    }
  }

  /**
   * Takes a level from a snapshot, and calls no sink: the other ends of its wires have theirs from the same snapshot. A
   * derived pin computes its level instead.
   */
  restore(level: boolean): void {
    this.high = this.derivation === undefined ? level : this.derivation() === true;
  }

  /**
   * Up and down again. An 8259A takes no interrupt from that: the pin must stay high until the processor acknowledges.
   */
  pulse(): void {
    this.set(true);
    this.set(false);
  }

  /** Connects a wire, which is called at once if the pin is high. Answers how to disconnect it. */
  connect(sink: (level: boolean) => void): () => void {
    this.sinks.push(sink);
    if (this.high) sink(true);
    return () => {
      const index = this.sinks.indexOf(sink);
      if (index < 0) return;
      this.sinks.splice(index, 1);
      if (this.high) sink(false);
    };
  }
}

function derivedPinSet(): BackplaneError {
  return new BackplaneError(
    'derived-pin-set',
    'set() of a derived pin: its level follows from the state. Change the state, or make the pin without a function.',
  );
}

/**
 * The names of a device's public interrupt pins: what a machine may wire, and the compiler refuses any other. Those of a public
 * device inside it are `channels[1].irq`.
 */
export type PinNames<D extends DeviceInstance, IsOuter = true> = {
  [K in keyof D & string]-?: D[K] extends InterruptPin
    ? K
    : D[K] extends readonly InterruptPin[]
      ? `${K}[${number}]`
      : IsOuter extends true
        ? D[K] extends DeviceInstance
          ? `${K}.${PinNames<D[K], false>}`
          : D[K] extends readonly (infer E extends DeviceInstance)[]
            ? `${K}[${number}].${PinNames<E, false>}`
            : never
        : never;
}[keyof D & string];

/**
 * The pins of a device by name, those of an array as `pins[3]`, and those of devices inside it as `channels[1].irq`. They exist
 * from construction on.
 */
export function pinsOf(device: DeviceInstance): ReadonlyMap<string, InterruptPin> {
  return withSubDevices(device, ownPinsOf);
}

/** Without those of devices inside it. */
export function ownPinsOf(device: DeviceInstance): ReadonlyMap<string, InterruptPin> {
  const pins = new Map<string, InterruptPin>();
  for (const [name, value] of Object.entries(device) as [string, unknown][]) {
    if (value instanceof InterruptPin) pins.set(name, value);
    else if (Array.isArray(value) && value[0] instanceof InterruptPin) {
      for (const [index, pin] of value.entries()) pins.set(`${name}[${index}]`, pin as InterruptPin);
    }
  }
  return pins;
}

export function pinOf(device: DeviceInstance, name: string): InterruptPin | undefined {
  return pinsOf(device).get(name);
}

/** An option that wires a pin which the device has not is a mistake of the class, on a bench as in a machine. */
export function checkWiredPins(device: DeviceInstance, fail: Fail): void {
  const pins = [...pinsOf(device).keys()];
  for (const [option, { wires }] of Object.entries(device.metadata.options.declarations)) {
    if (wires === undefined || pins.includes(wires.pin)) continue;
    const hint = didYouMean(wires.pin, pins);
    throw fail(
      'option-wires-unknown-pin',
      `option '${option}' wires the pin '${wires.pin}', which the device does not have. ${hint}`,
    );
  }
}
