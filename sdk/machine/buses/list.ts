import type { Problem } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import { Bus, busesOf } from '../../bus/bus.ts';
import type { ClassMetadata, Device, Token } from '../../device/index.ts';

/** A bus of a machine. */
export interface MachineBus {
  /** 'main-system-bus'; of a controller its id and the field: 'sbcon.i2c'. */
  readonly name: string;
  readonly bus: Bus;
  /** The id of the device that has it in a field; undefined for a service of the machine. */
  readonly owner: string | undefined;
  /** The first service of its kind: where its devices have always been, so that snapshots need not name it. */
  readonly isUsual: boolean;
  /** The controller is on a bus of the same kind itself: a multiplexer. */
  readonly isBranch: boolean;
}

/** A device that looks for its bus. */
export interface Plugging {
  readonly id: string;
  readonly metadata: ClassMetadata;
  readonly used: { readonly bus?: string; readonly addr?: string };
}

/** The class of a bus that is a service. */
export type BusToken = Token<Bus> & { readonly kind: string };

export const isBusToken = (token: unknown): token is BusToken =>
  typeof token === 'function' && token.prototype instanceof Bus;

/** The buses of a machine: its services first, then those of its devices, in order. */
export function busesIn(
  services: readonly Bus[],
  devices: readonly { readonly id: string; readonly device: Device }[],
): MachineBus[] {
  const ofServices = services.map((bus) => {
    const isUsual = services.find(({ kind }) => kind === bus.kind) === bus;
    return { name: bus.nameInMachine, bus, owner: undefined, isUsual, isBranch: false };
  });
  const ofDevices = devices.flatMap(({ id, device }) =>
    [...busesOf(device)].map(([field, bus]) => {
      return { name: `${id}.${field}`, bus, owner: id, isUsual: false, isBranch: device.bus === bus.kind };
    }),
  );
  return [...ofServices, ...ofDevices];
}

/** The bus that a device names, or the first one of its kind; otherwise what is wrong. */
export function chooseBus(device: Plugging, buses: readonly MachineBus[], machine: string): MachineBus | Problem {
  const others = buses.filter(({ owner }) => owner !== device.id);
  const { bus: wanted } = device.used;
  if (wanted !== undefined) return busNamed(device, wanted, others, machine);
  const ofKind = others.filter(({ bus }) => bus.kind === device.metadata.bus);
  return ofKind.find(({ isBranch }) => !isBranch) ?? ofKind[0] ?? missingBus(device, others, machine);
}

function missingBus({ id, metadata }: Plugging, buses: readonly MachineBus[], machine: string): Problem {
  const { type, bus: kind, plugsInto } = metadata;
  const message =
    `Device '${id}': ${type} plugs into a bus of the kind '${kind}', and machine '${machine}' has none. ${listed(buses)} ` +
    `Plug in a controller that has one, or bind ${plugsInto.name ?? 'the class'} in a service module.`;
  return { code: 'missing-bus', message };
}

function busNamed(
  { id, metadata }: Plugging,
  wanted: string,
  buses: readonly MachineBus[],
  machine: string,
): MachineBus | Problem {
  const { type, bus: kind } = metadata;
  const where = `Device '${id}': bus '${wanted}'`;
  const exact = buses.filter(({ name, bus }) => name === wanted || bus.otherNames.includes(wanted));
  const found = exact.length > 0 ? exact : buses.filter(({ owner }) => owner === wanted);
  const fitting = found.filter(({ bus }) => bus.kind === kind);
  const [first, ...more] = fitting;
  if (first !== undefined && more.length === 0) return first;
  if (first !== undefined) {
    const names = fitting.map(({ name }) => `'${name}'`).join(', ');
    return {
      code: 'ambiguous-bus',
      message: `${where} has ${fitting.length} buses: ${names}. Write one of these names.`,
    };
  }
  const ofKind = buses.filter(({ bus }) => bus.kind === kind);
  if (found.length > 0) {
    const kinds = [...new Set(found.map(({ bus }) => `'${bus.kind}'`))].join(', ');
    const instead = ofKind.length === 0 ? missingHint(machine, kind) : `Write ${either(ofKind)}.`;
    const message = `${where} is of the kind ${kinds}, and ${type} plugs into the kind '${kind}'. ${instead}`;
    return { code: 'wrong-bus-kind', message };
  }
  const names = [...new Set(ofKind.flatMap(({ name, owner }) => [name, ...(owner === undefined ? [] : [owner])]))];
  const message = `${where} is not there. ${didYouMean(wanted, names, names.length === 0 ? missingHint(machine, kind) : `Write ${either(ofKind)}.`)}`;
  return { code: 'no-such-bus', message };
}

const missingHint = (machine: string, kind: string): string => `Machine '${machine}' has no bus of the kind '${kind}'.`;
const either = (buses: readonly MachineBus[]): string => buses.map(({ name }) => `'${name}'`).join(' or ');
const listed = (buses: readonly MachineBus[]): string =>
  buses.length === 0 ? 'It has no bus.' : `It has ${buses.map(({ name }) => name).join(', ')}.`;
