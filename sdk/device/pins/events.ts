import { deviceFailure } from '../../base/errors.ts';
import type { DeviceInstance } from '../class-metadata.ts';
import { inputsOfClass } from './input.ts';
import { type InterruptPin, ownPinsOf } from './interrupt-pin.ts';

/** So many edges that follow from one event are an endless loop of wires. */
const MostEdges = 10_000;

// Edges that follow from one event of one device, through any number of others. Nested machines share the count.
let underWay = 0;
let edges = 0;

/** An input pin of a device in a machine or on a bench. The wires drive it, and the device's method is called with its edges. */
export class InputPin {
  /** Called with each edge, before the method. */
  observer: ((level: boolean) => void) | undefined;
  private driven: boolean;
  private seen: boolean;

  /** @internal */
  constructor(
    readonly name: string,
    private readonly method: string,
    private readonly index: number,
    /** Its level while no wire leads to it. */
    readonly unconnected: boolean,
    private readonly events: DeviceEvents,
  ) {
    this.driven = unconnected;
    this.seen = unconnected;
  }

  /** As its wire drives it. */
  get level(): boolean {
    return this.driven;
  }

  /** Drives the pin; an edge is delivered at once, or when the device's handler that runs has returned. */
  set(level: boolean): void {
    if (this.post(level)) this.events.deliver();
  }

  /** Notes an edge for the device, which `deliver` of its events delivers; false: there is none. @internal */
  post(level: boolean): boolean {
    if (this.driven === level) return false;
    this.driven = level;
    this.events.queue(this, level);
    return true;
  }

  /** Delivers what was noted. @internal */
  deliver(): void {
    this.events.deliver();
  }

  /** Takes the level of the other end of its wire, without a call. @internal */
  restore(level: boolean): void {
    this.driven = level;
    this.seen = level;
  }

  /** @internal */
  call(level: boolean): void {
    if (this.seen === level) return;
    this.seen = level;
    this.observer?.(level);
    this.events.callMethod(this.method, level, this.index);
  }

  /** Edges were dropped: the device has seen the last one, as far as it is concerned. @internal */
  forget(): void {
    this.seen = this.driven;
  }
}

/**
 * The handlers of a device that has input pins or derived outputs. Each access, timer callback, reset, bus transfer and edge
 * runs between `enter` and `leave`. After the outermost one the derived pins are evaluated, and the edges that came
 * meanwhile are delivered. Devices without such pins have none of this.
 */
export class DeviceEvents {
  readonly inputs: ReadonlyMap<string, InputPin>;
  /** How many handlers of the device are on the stack. */
  private depth = 0;
  private readonly waiting: InputPin[] = [];
  private readonly levels: boolean[] = [];
  private first = 0;
  private end = 0;

  constructor(
    private readonly device: DeviceInstance,
    private readonly derived: readonly InterruptPin[],
    /** Of the device around it, whose derived pins may follow from this one's state. */
    private readonly outer: DeviceEvents | undefined,
  ) {
    this.inputs = new Map(
      inputsOfClass(device.metadata).flatMap(({ method, count, unconnected }) =>
        Array.from({ length: count ?? 1 }, (_, index) => {
          const name = count === undefined ? method : `${method}[${index}]`;
          return [name, new InputPin(name, method, index, unconnected, this)] as const;
        }),
      ),
    );
  }

  /** Before a handler of the device. `leave` must follow, also if the handler throws. */
  enter(): void {
    this.depth++;
  }

  /** After a handler that returned, before `leave`. */
  settle(): void {
    if (this.depth !== 1) return;
    this.evaluate();
    if (this.first !== this.end || this.outer !== undefined) this.comeToRest();
  }

  /** After an event of a device inside, unless a handler of this one is on the stack: it settles then. */
  private settleAround(): void {
    if (this.depth !== 0) return;
    this.depth = 1;
    try {
      this.settle();
    } finally {
      this.depth = 0;
    }
  }

  leave(): void {
    this.depth--;
  }

  /** @internal */
  queue(input: InputPin, level: boolean): void {
    // One more than is ever delivered, so that `drain` gives up.
    if (this.end - this.first > MostEdges) return;
    this.waiting[this.end] = input;
    this.levels[this.end++] = level;
  }

  /** Delivers the edges that wait, unless a handler runs: then they are delivered after it. @internal */
  deliver(): void {
    if (this.depth !== 0 || this.first === this.end) return;
    this.depth = 1;
    try {
      this.comeToRest();
    } finally {
      this.depth = 0;
    }
  }

  /** @internal */
  callMethod(method: string, level: boolean, index: number): void {
    const { device } = this;
    try {
      (device as unknown as Record<string, (level: boolean, index: number) => void>)[method]!(level, index);
    } catch (cause) {
      throw deviceFailure(device.id, device, `${method}()`, cause);
    }
  }

  private evaluate(): void {
    const { derived, device } = this;
    let index = 0;
    try {
      for (; index < derived.length; index++) derived[index]!.evaluate();
    } catch (cause) {
      const named = [...ownPinsOf(device)].find(([, pin]) => pin === derived[index]);
      throw deviceFailure(device.id, device, `pin '${named?.[0] ?? index}'`, cause);
    }
  }

  /** Delivers what waits, and lets the device around it follow, until neither has anything left. */
  private comeToRest(): void {
    if (underWay++ === 0) edges = 0;
    try {
      do {
        this.drain();
        this.outer?.settleAround();
      } while (this.first !== this.end);
    } finally {
      underWay--;
      this.first = 0;
      this.end = 0;
    }
  }

  private drain(): void {
    while (this.first !== this.end) {
      if (++edges > MostEdges) {
        this.giveUp();
        return;
      }
      const input = this.waiting[this.first]!;
      input.call(this.levels[this.first++]!);
      this.evaluate();
    }
    this.first = 0;
    this.end = 0;
  }

  /** The guest has found a loop of wires that never comes to rest. The levels stay as the wires say. */
  private giveUp(): void {
    const { name } = this.waiting[this.first]!;
    this.first = 0;
    this.end = 0;
    for (const input of this.inputs.values()) input.forget();
    this.device.guestError(
      `input '${name}' changes without end: more than ${MostEdges} edges follow from one event. Its wires lead back to it.`,
    );
  }
}

/**
 * The events of a device that has input pins or derived outputs, or is inside one that has; undefined for others. `outer` are those
 * of the device around it.
 */
export function makeEvents(device: DeviceInstance, outer: DeviceEvents | undefined): DeviceEvents | undefined {
  const derived = [...ownPinsOf(device).values()].filter(
    ({ isDerived, evaluatedBy }) => isDerived && evaluatedBy === 'events',
  );
  if (derived.length === 0 && inputsOfClass(device.metadata).length === 0 && outer === undefined) return undefined;
  return new DeviceEvents(device, derived, outer);
}
