import type { Json, JsonReader } from '../../base/json-reader.ts';
import { allOf, anyOf, DeviceWire, Gate, Inverted, inverted, pin, type ServiceWire, type Signal } from './wire.ts';

// Wires in a snapshot. One to a pin of a device is its two names, one to a line what its service calls it, a gate has a name.

/** A service that finds the wires to its lines again: by their descriptions, which are its own. */
export interface NamesWires {
  wireNamed(description: string): ServiceWire | undefined;
}

/** What a snapshot holds of the machine around a wire. */
export interface WireNames {
  /** The wire of a service with that description. */
  line(description: string): ServiceWire | undefined;
  /** The wire to a pin with that description: formats before 0.3 had no other name. */
  pin(description: string): DeviceWire | undefined;
}

/** The names of the wires around a device, from the services of the machine and its devices with their pins. */
export function wireNames(
  services: Iterable<object>,
  devices: readonly { readonly id: string; readonly pins: readonly string[] }[],
): WireNames {
  const naming = [...services].filter((one): one is object & NamesWires => 'wireNamed' in one);
  return {
    line: (description) => naming.map((one) => one.wireNamed(description)).find((wire) => wire !== undefined),
    pin: (description) =>
      devices
        .flatMap(({ id, pins }) => pins.map((name) => pin(id, name)))
        .find((wire) => wire.description === description),
  };
}

/** A wire as data; undefined if a part of it is a line that no service would find again. */
export function wireAsData(signal: Signal, names: WireNames): Json | undefined {
  if (signal instanceof DeviceWire) return { device: signal.device, pin: signal.pin };
  if (signal instanceof Inverted) {
    const of = wireAsData(signal.of, names);
    return of === undefined ? undefined : { not: of };
  }
  if (signal instanceof Gate) {
    const parts = signal.of.map((one) => wireAsData(one, names));
    return parts.includes(undefined) ? undefined : { [signal.kind]: parts as Json[] };
  }
  return names.line(signal.description) === undefined ? undefined : { line: signal.description };
}

const MostParts = 1024;
/** Gates in gates in a file: more are a mistake. */
const Deepest = 16;

/** A wire from data, which may be anything; refused there, it is undefined. */
export function wireFromData(saved: JsonReader, names: WireNames, depth = 0): Signal | undefined {
  const { data } = saved;
  if (typeof data === 'string') return names.line(data) ?? names.pin(data) ?? refuse(saved);
  const [first, ...others] = saved.entries(2);
  if (first === undefined || depth > Deepest) return refuse(saved);
  const [word, value] = first;
  if (word === 'device' && others.length === 1) return pin(value.text(256), saved.member('pin').text(256));
  if (others.length > 0) return refuse(saved);
  if (word === 'line') return names.line(value.text(256)) ?? refuse(value);
  if (word === 'not') {
    const of = wireFromData(value, names, depth + 1);
    return of && inverted(of);
  }
  if (word !== 'any' && word !== 'all') return refuse(saved);
  const parts = value.list(MostParts).map((one) => wireFromData(one, names, depth + 1));
  const [one, ...more] = parts.filter((part) => part !== undefined);
  if (one === undefined || more.length + 1 < parts.length) return refuse(value);
  return word === 'any' ? anyOf(one, ...more) : allOf(one, ...more);
}

function refuse(saved: JsonReader): undefined {
  saved.refuse('is no wire of this machine: a pin of a device, a line of a bus, or a gate of them');
  return undefined;
}
