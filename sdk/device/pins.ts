import type { Fail } from '../base/errors.ts';
import { didYouMean } from '../base/text.ts';
import { state } from '../state/schema.ts';
import type { DeviceInstance } from './class-metadata.ts';

/** An output of a device. The device sets its level; the machine says where the wire goes. */
export class InterruptPin {
  /** For a field with `@state`. */
  static readonly whyNoState = 'is a pin, which is state by itself. Leave @state out';
  private high = false;
  /** Called with each change, before the wires. */
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
      // A sink may change the pin at once; the sinks after it are called with the last level only.
      if (this.high !== level) return;
      sink(level);
    }
  }

  /** Takes a level from a snapshot, and calls no sink: the other ends of its wires have theirs from the same snapshot. */
  restore(level: boolean): void {
    this.high = level;
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

  /** Whether anything is connected to it. */
  get connected(): boolean {
    return this.sinks.length > 0;
  }

  /** The line's own input, for what has no pin; ORed with the rest. */
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

  /** The pins were restored without calls: counts which of them are high. The sinks are restored by themselves. */
  onStateLoaded(): void {
    this.raised = this.own ? 1 : 0;
    for (const puller of this.pullers) {
      puller.up = puller.pin.level;
      if (puller.up) this.raised++;
    }
  }

  /** Connects an interrupt controller's input, which is called at once if the line is high. Answers how to disconnect it. */
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
    const hint = didYouMean(wires.pin, pins);
    throw fail(
      'option-wires-unknown-pin',
      `option '${option}' wires the pin '${wires.pin}', which the device does not have. ${hint}`,
    );
  }
}
