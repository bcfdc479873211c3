import type { Fail } from '../base/errors.ts';
import { nearest } from '../base/text.ts';
import { state } from '../state/schema.ts';
import type { DeviceInstance } from './class-metadata.ts';

/**
 * An output of a device. The device sets its level; where the wire goes is the machine's business, and a pin that is
 * connected to nothing is a pin whose interrupts nobody hears.
 */
export class InterruptPin {
  /** For a field with `@state`. */
  static readonly whyNoState = 'is a pin, which is state by itself. Leave @state out';
  private high = false;
  /** Hears each change before the wires do, and is none of them. */
  observer: ((level: boolean) => void) | undefined;
  /** Where other state of the device says what its level is, this answers that: a snapshot in which the two disagree is refused. */
  highWhile: (() => boolean) | undefined;
  private readonly sinks: ((level: boolean) => void)[] = [];

  get level(): boolean {
    return this.high;
  }

  get connected(): boolean {
    return this.sinks.length > 0;
  }

  set(level: boolean): void {
    if (this.high === level) return;
    this.high = level;
    this.observer?.(level);
    for (const sink of this.sinks) {
      // A sink may answer at once by changing the pin; whoever has not heard yet hears the last word only.
      if (this.high !== level) return;
      sink(level);
    }
  }

  /** Takes a level from a snapshot. Nobody is told: the other ends of its wires have theirs from the same snapshot. */
  restore(level: boolean): void {
    this.high = level;
  }

  /**
   * Up and down again. To an 8259A that is no interrupt: it wants the pin up until the processor has acknowledged, so that a
   * device lowers it when the guest reads or clears the cause.
   */
  pulse(): void {
    this.set(true);
    this.set(false);
  }

  /** Solders a wire to the pin. It hears the present level at once if that is high, and answers how to take it off. */
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

/** A pin on the line, and whether it pulls. */
interface Puller {
  readonly pin: InterruptPin;
  up: boolean;
}

/**
 * A wire that several pins may share: high while at least one of them is. It counts who pulls it up, so that one device
 * lowering its pin does not take away another's interrupt.
 */
export class InterruptLine {
  private raised = 0;
  @state private own = false;
  private readonly pullers = new Set<Puller>();
  private readonly sinks: ((level: boolean) => void)[] = [];

  constructor(readonly name: string) {}

  get level(): boolean {
    return this.raised > 0;
  }

  /** Whether anybody hears it. */
  get connected(): boolean {
    return this.sinks.length > 0;
  }

  /** For whoever has no pin: the line's own input, ORed with the rest. */
  set(level: boolean): void {
    if (this.own === level) return;
    this.own = level;
    this.pull(level);
  }

  /** One more device on the line. Answers how to take it off. */
  attach(pin: InterruptPin): () => void {
    const puller = { pin, up: false };
    this.pullers.add(puller);
    const cut = pin.connect((level) => {
      if (level === puller.up) return;
      puller.up = level;
      this.pull(level);
    });
    return () => {
      cut();
      this.pullers.delete(puller);
    };
  }

  /** The pins were restored without telling anybody: counts anew who pulls. Those who hear the line are restored too. */
  onStateLoaded(): void {
    this.raised = this.own ? 1 : 0;
    for (const puller of this.pullers) {
      puller.up = puller.pin.level;
      if (puller.up) this.raised++;
    }
  }

  /**
   * Who hears the line: an interrupt controller's input. It hears the present level at once if that is high, and answers how to
   * take it off; an input on no line is low.
   */
  connect(sink: (level: boolean) => void): () => void {
    this.sinks.push(sink);
    if (this.level) sink(true);
    return () => {
      const index = this.sinks.indexOf(sink);
      if (index < 0) return;
      this.sinks.splice(index, 1);
      if (this.level) sink(false);
    };
  }

  private pull(up: boolean): void {
    const before = this.level;
    this.raised += up ? 1 : -1;
    for (const sink of this.sinks) {
      if (this.level === before) return;
      sink(!before);
    }
  }
}

/** The names of a device's public interrupt pins: what a machine may wire, and the compiler refuses any other. */
export type PinNames<D extends DeviceInstance> = { [K in keyof D]-?: D[K] extends InterruptPin ? K : never }[keyof D] &
  string;

/** The pins of a device by name, those of an array as `pins[3]`. They exist from construction on. */
export function pinsOf(device: DeviceInstance): ReadonlyMap<string, InterruptPin> {
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
    const close = nearest(wires.pin, pins);
    const hint = close === undefined ? `It has ${pins.join(', ') || 'none'}.` : `Did you mean '${close}'?`;
    throw fail(
      'option-wires-unknown-pin',
      `option '${option}' wires the pin '${wires.pin}', which the device does not have. ${hint}`,
    );
  }
}
