import { type StateDeclaration, stateOf } from '../state/schema.ts';
import type { DeviceInstance } from './class-metadata.ts';
import { BackendPart, backendsOf, DevicePart } from './part.ts';
import { stateFields } from './registers/snapshot-shapes.ts';

/** The back ends of a device as an object, and what of it is state. */
export function backendState(device: DeviceInstance): readonly [owner: object, declared: readonly StateDeclaration[]] {
  const parts = [...backendsOf(device)].filter(([, part]) => stateOf(part.constructor).length > 0);
  return [Object.fromEntries(parts), parts.map(([name]) => partState(name))];
}

/** Parts that are services of a machine, and belong to none of the devices that hold them. */
const services = new WeakSet<object>();

/** A service was made. If it is a part by its class, it is none of any device. */
export function noteServicePart(service: object): void {
  if (service instanceof DevicePart) services.add(service);
}

/** The parts of one kind that a device has in its fields, by name; those of an array as `channels[3]`. */
export function partsOf<P extends object>(
  device: DeviceInstance,
  kind: abstract new (...args: never) => P,
): ReadonlyMap<string, P> {
  const parts = new Map<string, P>();
  for (const [name, value] of Object.entries(device) as [string, unknown][]) {
    if (value instanceof kind && !services.has(value)) parts.set(name, value);
    else if (Array.isArray(value) && value[0] instanceof kind)
      for (const [index, part] of value.entries()) parts.set(`${name}[${index}]`, part as P);
  }
  return parts;
}

/** All fields of a device that are in its snapshots: those of its class, and its parts with state. */
export function stateOfDevice(device: DeviceInstance): readonly StateDeclaration[] {
  const declared = stateFields(device.metadata);
  const parts = partsWithState(device).filter((member) => !declared.some((one) => one.member === member));
  return parts.length === 0 ? declared : [...declared, ...parts.map(partState)];
}

function partsWithState(device: DeviceInstance): string[] {
  return Object.entries(device).flatMap(([member, value]) => {
    const part: unknown = Array.isArray(value) ? value[0] : value;
    return part instanceof DevicePart && !isElsewhere(part) && stateOf(part.constructor).length > 0 ? [member] : [];
  });
}

/** Its state is not that of the device whose field holds it. */
const isElsewhere = (part: DevicePart): boolean => services.has(part) || part instanceof BackendPart;

const partState = (member: string): StateDeclaration =>
  Object.freeze({ member, name: member, since: 1, shape: undefined, subsection: undefined, atReset: undefined });
