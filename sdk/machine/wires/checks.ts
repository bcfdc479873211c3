import type { Problem } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import { type Device, pinsOf, type Token } from '../../device/index.ts';
import { DeviceWire, type Wire } from './wire.ts';

interface NamedDevice {
  readonly id: string;
  readonly device: Device;
}

interface WiredDevice extends NamedDevice {
  readonly wires: ReadonlyMap<string, Wire>;
}

/** Wires that begin or end at a pin that does not exist. `all` are the devices at the other ends. */
export function pinMistakes(wired: readonly WiredDevice[], all: readonly NamedDevice[]): Problem[] {
  return wired.flatMap(({ id, device, wires }) =>
    [...wires].flatMap(([name, wire]) => {
      const other = wire instanceof DeviceWire ? all.find((one) => one.id === wire.device) : undefined;
      const atOtherEnd =
        other !== undefined && wire instanceof DeviceWire
          ? pinMistake(other, wire.pin, ` It is named by a wire of '${id}'.`)
          : [];
      return [...pinMistake({ id, device }, name, ''), ...atOtherEnd];
    }),
  );
}

function pinMistake({ id, device }: NamedDevice, name: string, context: string): Problem[] {
  const pins = [...pinsOf(device).keys()];
  if (pins.includes(name)) return [];
  const hint = didYouMean(name, pins, `It has ${pins.join(', ') || 'none'}.`);
  const message = `Device '${id}': ${device.constructor.name} has no pin '${name}'. ${hint}${context}`;
  return [{ code: 'no-such-pin', message }];
}

/** One wire from an output to an input. */
interface Connection {
  readonly from: string;
  readonly to: string;
}

const nameOf = (id: string, name: string): string => `pin '${name}' of '${id}'`;

function connectionsOf(devices: readonly Pick<WiredDevice, 'id' | 'wires'>[]): Connection[] {
  return devices.flatMap(({ id, wires }) =>
    [...wires].flatMap(([name, wire]) => {
      if (!(wire instanceof DeviceWire)) return [];
      return [{ from: nameOf(id, name), to: nameOf(wire.device, wire.pin) }];
    }),
  );
}

/**
 * Inputs that two outputs drive, and wires that lead back to their beginning. An input shows the last level of its wire, so
 * one output that falls would hide another one that is high. `present` are wired already.
 */
export function driverMistakes(
  wired: readonly Pick<WiredDevice, 'id' | 'wires'>[],
  present: readonly Pick<WiredDevice, 'id' | 'wires'>[],
): Problem[] {
  const before = connectionsOf(present);
  const all = [...before, ...connectionsOf(wired)];
  const reported = new Set<string>();
  return all.slice(before.length).flatMap((connection, index) => {
    const { from, to } = connection;
    const problems: Problem[] = [];
    const other = all.slice(0, before.length + index).find((one) => one.to === to);
    if (other !== undefined) {
      const message =
        `Wires: ${from} and ${other.from} both lead to ${to}, and an input follows one output. Use a bus line, or a device ` +
        'between that combines them.';
      problems.push({ code: 'input-driven-twice', message });
    }
    const loop = loopFrom(connection, all);
    if (loop.length === 0 || loop.some((name) => reported.has(name))) return problems;
    for (const name of loop) reported.add(name);
    const way = `${loop.join(' leads to ')}, which leads back to ${from}. Take one of these wires out.`;
    const message = loop.length > 1 ? way : `${from} is wired to itself. Wire it to an input of another device.`;
    return [...problems, { code: 'wire-loop', message: `Wires: ${message}` }];
  });
}

/** The pins of the loop that begins with this connection; none if there is no loop. */
function loopFrom(start: Connection, all: readonly Connection[]): string[] {
  const way = [start.from];
  for (let next = start.to; next !== start.from; ) {
    if (way.includes(next)) return [];
    way.push(next);
    const onward = all.find(({ from }) => from === next);
    if (onward === undefined) return [];
    next = onward.to;
  }
  return way;
}

/** Wires to devices or services that do not exist. Pins are checked on the instances. */
export function endMistakes(
  devices: readonly Pick<WiredDevice, 'id' | 'wires'>[],
  ids: readonly string[],
  isBound: (service: Token) => boolean,
  machine: string,
): Problem[] {
  return devices.flatMap(({ id, wires }) =>
    [...wires].flatMap(([pin, wire]) => {
      const where = `Device '${id}': pin '${pin}' is wired to ${wire.description}, and`;
      if (wire instanceof DeviceWire) {
        if (ids.includes(wire.device)) return [];
        const message = `${where} no device has that id. The ids are ${ids.join(', ')}.`;
        return [{ code: 'no-such-device', message }];
      }
      const { name } = wire.service;
      if (isBound(wire.service)) return [];
      const message = `${where} machine '${machine}' has no ${name}. Bind ${name} in one of its service modules.`;
      return [{ code: 'missing-service', message }];
    }),
  );
}
