import { DeviceWire, endsOf, Inverted, type ServiceWire, type Signal, type Wire } from './wire.ts';

/** What a machine says of the wires of one device. */
export interface WiredDevice {
  readonly id: string;
  readonly wires: ReadonlyMap<string, readonly Wire[]>;
  readonly inputs: ReadonlyMap<string, Signal>;
}

/** One way from outputs and lines to an input or a line, whichever end said it. */
export interface Connection {
  /** The device whose wiring says it, and the pin there; undefined for the processor's. */
  readonly owner: string | undefined;
  readonly at: string;
  readonly signal: Signal;
  readonly to: ServiceWire | DeviceWire | ProcessorInput;
}

/** The processor's input of an interrupt by level. It asks for its vector while the level is high. */
export class ProcessorInput {
  readonly description = 'the processor';
  pending = false;

  constructor(readonly vector: number) {}

  acknowledge(): number {
    return this.vector;
  }

  post(level: boolean): void {
    this.pending = level;
  }

  deliver(): void {}

  restore(level: boolean): void {
    this.pending = level;
  }
}

/** All connections that the wiring of a device makes: those of its outputs, then those of its inputs. */
export function connectionsOf({ id, wires, inputs }: WiredDevice): Connection[] {
  const ofOutputs = [...wires].flatMap(([name, several]) =>
    several.map((wire) => ({ owner: id, at: name, ...straightened(new DeviceWire(id, name), wire) })),
  );
  const ofInputs = [...inputs].map(([name, signal]) => ({
    ...{ owner: id, at: name, signal },
    to: new DeviceWire(id, name),
  }));
  return [...ofOutputs, ...ofInputs];
}

/** An output that is inverted on its way is an inverted signal. */
function straightened(signal: Signal, wire: Wire): Pick<Connection, 'signal' | 'to'> {
  if (wire instanceof Inverted) return straightened(new Inverted(signal), wire.of);
  return { signal, to: wire };
}

/** What an input follows, whichever end says it; undefined if no wire leads to it. */
export function signalInto(devices: readonly WiredDevice[], id: string, name: string): Signal | undefined {
  const found = devices
    .flatMap(connectionsOf)
    .find(({ to }) => to instanceof DeviceWire && to.device === id && to.pin === name);
  return found?.signal;
}

/** The ids of the devices at both ends of a connection. */
export function devicesOf({ signal, to }: Connection): readonly string[] {
  return [...endsOf(signal), to].flatMap((end) => (end instanceof DeviceWire ? [end.device] : []));
}
