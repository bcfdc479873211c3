import type { Problem } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import { type Device, inputNamesIn, pinsOf, type Token } from '../../device/index.ts';
import { type Connection, ProcessorInput } from './connections.ts';
import { DeviceWire, endsOf } from './wire.ts';

interface NamedDevice {
  readonly id: string;
  readonly device: Device;
}

/** Wires that begin or end at a pin that does not exist. `all` are the devices at the other ends. */
export function pinMistakes(connections: readonly Connection[], all: readonly NamedDevice[]): Problem[] {
  return connections.flatMap(({ owner, signal, to }) => {
    const mistake = (wire: DeviceWire, direction: Direction): Problem[] => {
      const device = all.find(({ id }) => id === wire.device);
      if (device === undefined) return [];
      return pinMistake(
        device,
        wire.pin,
        direction,
        wire.device === owner
          ? ''
          : ` It is named by ${owner === undefined ? 'the interruptController' : `a wire of '${owner}'`}.`,
      );
    };
    const froms = endsOf(signal).flatMap((end) => (end instanceof DeviceWire ? mistake(end, 'output') : []));
    return [...froms, ...(to instanceof DeviceWire ? mistake(to, 'input') : [])];
  });
}

type Direction = 'input' | 'output';

function pinMistake({ id, device }: NamedDevice, name: string, direction: Direction, context: string): Problem[] {
  const pins = { output: [...pinsOf(device).keys()], input: inputNamesIn(device) };
  if (pins[direction].includes(name)) return [];
  const other = direction === 'input' ? 'output' : 'input';
  const { name: className } = device.constructor;
  if (pins[other].includes(name)) {
    const where = direction === 'input' ? 'A wire leads from an output to an input' : 'An input follows outputs';
    const message = `Device '${id}': pin '${name}' of ${className} is an ${other}. ${where}: name another pin.${context}`;
    return [{ code: direction === 'input' ? 'not-an-input' : 'not-an-output', message }];
  }
  const hint = didYouMean(name, [...pins[direction]], `It has ${pins[direction].join(', ') || 'none'}.`);
  const what = direction === 'input' ? 'input pin' : 'pin';
  return [{ code: 'no-such-pin', message: `Device '${id}': ${className} has no ${what} '${name}'. ${hint}${context}` }];
}

const nameOf = ({ device, pin }: DeviceWire): string => `pin '${pin}' of '${device}'`;

interface Driver {
  readonly from: string;
  readonly to: string;
}

const driversOf = (connections: readonly Connection[]): Driver[] =>
  connections.flatMap(({ signal, to }) =>
    to instanceof DeviceWire ? [{ from: signal.description, to: nameOf(to) }] : [],
  );

/**
 * Inputs that two wires drive. An input shows the last level of its wire, so one output that falls would hide another one that
 * is high. `present` are wired already.
 */
export function driverMistakes(connections: readonly Connection[], present: readonly Connection[]): Problem[] {
  const before = driversOf(present);
  const all = [...before, ...driversOf(connections)];
  return all.slice(before.length).flatMap(({ from, to }, index) => {
    const other = all.slice(0, before.length + index).find((one) => one.to === to);
    if (other === undefined) return [];
    const message =
      `Wires: ${from} and ${other.from} both lead to ${to}, and an input follows one wire. Write a gate among its inputs, ` +
      'anyOf(...) or allOf(...), or use a bus line.';
    return [{ code: 'input-driven-twice', message }];
  });
}

/** Wires to devices or services that do not exist. Pins are checked on the instances. */
export function endMistakes(
  connections: readonly Connection[],
  ids: readonly string[],
  isBound: (service: Token) => boolean,
  machine: string,
): Problem[] {
  return connections.flatMap((connection) => {
    const { owner, at, signal, to } = connection;
    return [...endsOf(signal), ...(to instanceof ProcessorInput ? [] : [to])].flatMap((end): Problem[] => {
      const what = owner === undefined ? `The machine's interruptController` : `Device '${owner}': pin '${at}'`;
      const where = `${what} is wired to ${end.description}, and`;
      if (end instanceof DeviceWire) {
        if (ids.includes(end.device)) return [];
        const message = `${where} no device has that id. The ids are ${ids.join(', ')}.`;
        return [{ code: 'no-such-device', message }];
      }
      const { name } = end.service;
      if (!isBound(end.service)) {
        const message = `${where} machine '${machine}' has no ${name}. Bind ${name} in one of its service modules.`;
        return [{ code: 'missing-service', message }];
      }
      return end !== to && end.sourceIn === undefined ? [noLine(connection, end.description)] : [];
    });
  });
}

function noLine({ owner, at }: Connection, description: string): Problem {
  const what = owner === undefined ? `The machine's interruptController` : `Device '${owner}': input '${at}'`;
  const message = `${what} follows ${description}, which is no line that an input can follow. Name an output.`;
  return { code: 'no-such-pin', message };
}
