import { BackplaneError } from '../../base/errors.ts';
import { type Device, InterruptPin, inputsIn, pinsOf, type Token } from '../../device/index.ts';
import { type Connection, connectionsOf, devicesOf, ProcessorInput, type WiredDevice } from './connections.ts';
import { DeviceWire, Gate, Inverted, type ServiceWire, type Signal, type SignalSource } from './wire.ts';

/** A device of the machine at one end of a wire. */
export interface ConnectedDevice extends WiredDevice {
  readonly device: Device;
}

/** The end of a connection: an input pin, or a pin of its own on a line. First all ends note a change, then each delivers it. */
interface End {
  post(level: boolean): void;
  deliver(): void;
  restore(level: boolean): void;
}

/** A connection between pins that exist. */
interface Link {
  readonly connection: Connection;
  readonly evaluate: () => boolean;
  readonly sources: readonly SignalSource[];
  readonly end: End;
  /** The level of the end without the wire. */
  readonly unconnected: boolean;
  /** Takes a plain wire to a line off; undefined for others, which follow their sources. */
  readonly detach: (() => void) | undefined;
}

/**
 * The wires of a machine. When an output changes, all that follows it is computed first, and then each edge is delivered. So
 * a gate shows no level in between, and a device gets its edges in the order in which the outputs changed.
 */
export class WireNetwork {
  private readonly links: Link[] = [];
  private readonly followers = new Map<SignalSource, Followers>();

  constructor(private readonly service: (token: Token) => unknown) {}

  /** Makes connections; `all` are the devices at their ends. An input whose level differs gets an edge. */
  connect(connections: readonly Connection[], all: readonly ConnectedDevice[]): void {
    for (const link of connections.map((connection) => this.add(connection, all))) {
      link.end.post(link.evaluate());
      link.end.deliver();
    }
  }

  /** Takes the wires of a device off. The inputs at their other ends get the level that they have without a wire. */
  disconnect(id: string): void {
    for (const link of this.links.filter(({ connection }) => connection.owner === id)) {
      this.remove(link);
      if (link.connection.to instanceof DeviceWire && link.connection.to.device === id) continue;
      link.end.post(link.unconnected);
      link.end.deliver();
    }
  }

  /** Moves all wires of some devices to their replacements, which have the ids and the state of the old ones. */
  replace(made: readonly ConnectedDevice[], all: readonly ConnectedDevice[]): void {
    const ids = made.map(({ id }) => id);
    const old = this.links.filter(({ connection }) => devicesOf(connection).some((id) => ids.includes(id)));
    const kept = old.flatMap(({ connection }) => (ids.includes(connection.owner ?? '') ? [] : [connection]));
    // The replacements drive their lines before the old devices leave them: no line moves.
    const links = [...made.flatMap(connectionsOf), ...kept].map((connection) => this.add(connection, all));
    for (const link of old) this.remove(link);
    for (const link of links) {
      const { to } = link.connection;
      if (to instanceof DeviceWire && ids.includes(to.device)) link.end.restore(link.evaluate());
      else link.end.post(link.evaluate());
    }
    for (const { end } of links) end.deliver();
  }

  /** The outputs have their levels from a snapshot: the other ends take them without a call. */
  restore(): void {
    for (const { end, evaluate } of this.links) end.restore(evaluate());
  }

  private add(connection: Connection, all: readonly ConnectedDevice[]): Link {
    const link = this.linkOf(connection, all);
    this.links.push(link);
    for (const source of link.sources) {
      let followers = this.followers.get(source);
      if (followers === undefined) {
        followers = new Followers(source);
        this.followers.set(source, followers);
      }
      followers.links = [...followers.links, link];
    }
    return link;
  }

  private remove(link: Link): void {
    this.links.splice(this.links.indexOf(link), 1);
    link.detach?.();
    for (const source of link.sources) {
      const followers = this.followers.get(source);
      if (followers === undefined) continue;
      followers.links = followers.links.filter((one) => one !== link);
      if (followers.links.length > 0) continue;
      this.followers.delete(source);
      followers.disconnect();
    }
  }

  private linkOf(connection: Connection, all: readonly ConnectedDevice[]): Link {
    const { signal, to } = connection;
    if (to instanceof ProcessorInput) {
      const sources = new Set<SignalSource>();
      const evaluate = this.compile(signal, all, sources);
      return { connection, evaluate, sources: [...sources], end: to, unconnected: false, detach: undefined };
    }
    if (to instanceof DeviceWire) {
      const sources = new Set<SignalSource>();
      const evaluate = this.compile(signal, all, sources);
      const device = all.find(({ id }) => id === to.device)?.device;
      const input = device && inputsIn(device).get(to.pin);
      if (input === undefined) throw lostPin(to);
      return {
        connection,
        evaluate,
        sources: [...sources],
        end: input,
        unconnected: input.unconnected,
        detach: undefined,
      };
    }
    if (signal instanceof DeviceWire) {
      const detach = to.connect(this.outputOf(signal, all), this.service(to.service));
      return { connection, evaluate: () => false, sources: [], end: nothing, unconnected: false, detach };
    }
    const sources = new Set<SignalSource>();
    const relay = new Relay(this.compile(signal, all, sources));
    const detach = relay.attach(to, this.service(to.service));
    return { connection, evaluate: relay.evaluate, sources: [...sources], end: relay, unconnected: false, detach };
  }

  /** The level of a signal as a function of its sources, which are added to `found`. */
  private compile(signal: Signal, all: readonly ConnectedDevice[], found: Set<SignalSource>): () => boolean {
    if (signal instanceof Inverted) {
      const level = this.compile(signal.of, all, found);
      return () => !level();
    }
    if (signal instanceof Gate) {
      const levels = signal.of.map((one) => this.compile(one, all, found));
      return signal.kind === 'any' ? () => hasLevel(levels, true) : () => !hasLevel(levels, false);
    }
    const source = signal instanceof DeviceWire ? this.outputOf(signal, all) : this.lineOf(signal);
    found.add(source);
    return () => source.level;
  }

  private outputOf(wire: DeviceWire, all: readonly ConnectedDevice[]): InterruptPin {
    const device = all.find(({ id }) => id === wire.device)?.device;
    const output = device && pinsOf(device).get(wire.pin);
    if (output === undefined) throw lostPin(wire);
    return output;
  }

  private lineOf(wire: ServiceWire): SignalSource {
    const source = wire.sourceIn?.(this.service(wire.service) as never);
    if (source !== undefined) return source;
    throw new BackplaneError('no-such-pin', `Wires: ${wire.description} is no line that an input can follow.`);
  }
}

/** What follows one output or line. */
class Followers {
  links: readonly Link[] = [];
  readonly disconnect: () => void;

  constructor(source: SignalSource) {
    this.disconnect = source.connect(() => this.change());
  }

  private change(): void {
    const { links } = this;
    for (let index = 0; index < links.length; index++) links[index]!.end.post(links[index]!.evaluate());
    for (let index = 0; index < links.length; index++) links[index]!.end.deliver();
  }
}

/** A pin on a line, for a signal that is more than one output. */
class Relay implements End {
  private readonly pin = new InterruptPin();
  private next = false;

  constructor(readonly evaluate: () => boolean) {}

  attach(wire: ServiceWire, service: unknown): () => void {
    return wire.connect(this.pin, service);
  }

  post(level: boolean): void {
    this.next = level;
  }

  deliver(): void {
    this.pin.set(this.next);
  }

  restore(level: boolean): void {
    this.next = level;
    this.pin.restore(level);
  }
}

function hasLevel(levels: readonly (() => boolean)[], wanted: boolean): boolean {
  for (let index = 0; index < levels.length; index++) if (levels[index]!() === wanted) return true;
  return false;
}

const nothing: End = { post() {}, deliver() {}, restore() {} };

function lostPin({ device, pin }: DeviceWire): BackplaneError {
  return new BackplaneError('no-such-pin', `Device '${device}' has lost its pin '${pin}' since it was checked.`);
}
