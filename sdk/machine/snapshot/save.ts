import { BackplaneError } from '../../base/errors.ts';
import { describeJson, type Json, type JsonReader } from '../../base/json-reader.ts';
import { hex } from '../../base/text.ts';
import type { Timer } from '../../clock/index.ts';
import {
  devicesIn,
  firingOrder,
  inputNamesIn,
  pinsOf,
  saveDevice,
  stateOfDevice,
  timersOf,
} from '../../device/index.ts';
import { rebaseFields } from '../../state/fields.ts';
import type { RunningMachine } from '../definition.ts';
import { changedOrder, type MapOrder, mapOrder } from '../map-order.ts';
import type { StatefulServices } from '../services.ts';
import { type WireNames, wireAsData, wireNames } from '../wires/saved.ts';
import type { Signal, Wire } from '../wires/wire.ts';
import type { PluggedDevice, UsedDevice } from '../wiring.ts';
import { saveMemory } from './memory.ts';

/** The format of the whole document; each device has a version of its own. */
export const SnapshotSchema = 'backplane-snapshot/2';
/** The version of the package that wrote each kind of document first. */
export const snapshotWriters: Readonly<Record<string, string>> = {
  'backplane-snapshot/1': '0.1.0',
  [SnapshotSchema]: '0.2.0',
};

/** A machine between two instructions, as plain data that JSON can hold. Queued writes are delivered: none is in it. */
export interface MachineSnapshot {
  readonly schema: typeof SnapshotSchema;
  readonly machine: {
    readonly name: string;
    readonly ram: number;
    readonly options: { readonly [name: string]: Json };
    /** Ids of devices of the definition that were unplugged; absent if there are none. */
    readonly unplugged?: readonly string[];
  };
  readonly clock: {
    /** Whole seconds from power-on to the moment from which all times here are counted, in decimal. */
    readonly epoch: string;
    /** Guest nanoseconds since that moment. */
    readonly now: number;
    /** Device and name of every armed timer, in the order of firing. */
    readonly pending: readonly (readonly [device: string, timer: string])[];
  };
  readonly devices: readonly Json[];
  readonly services: { readonly [name: string]: Json };
  /** What has come from outside and did not reach its device; absent where nothing waits. */
  readonly inbox?: readonly Json[];
  readonly memory: Json;
  /** Of regions with equal priority in one container: those in front, the first one first. Absent where it follows from building the machine. */
  readonly map?: { readonly [container: string]: readonly string[] };
  readonly accelerator: Json;
}

/** Parts of a machine that only snapshots need. */
export interface SnapshotMachine extends RunningMachine {
  /** The order of regions with equal priority after the machine was built. */
  readonly mapWhenBuilt: MapOrder;
  readonly statefulServices: StatefulServices;
  /** Inputs and lines take the levels of the outputs that they follow, without a call. */
  restoreWires(): void;
  /** Ids of devices that were plugged in, and of devices of the definition that were unplugged, since it was built. */
  readonly hotplug: { readonly plugged: ReadonlySet<string>; readonly unplugged: ReadonlySet<string> };
  plug(used: UsedDevice): PluggedDevice;
  unplug(id: string): void;
}

/** Options and places of a device, which must be equal in the snapshot and the machine. */
export function describeDevice({
  options,
  mappings,
  wires,
  inputs,
  address,
  place,
}: PluggedDevice): Record<'options' | 'place', Json> {
  const regions = mappings.map(({ name, start, priority }) => describePlace(name, start, priority || undefined));
  const pins = [...wires].map(([pin, several]) => [pin, several.map(({ description }) => description).join(', ')]);
  const follows = [...inputs].map(([pin, { description }]) => [pin, description]);
  return {
    options: optionsAsData(options),
    place: {
      ...(place.isUsual ? {} : { bus: place.name }),
      ...(address === undefined ? {} : { address }),
      regions,
      pins: Object.fromEntries(pins),
      ...(follows.length === 0 ? {} : { inputs: Object.fromEntries(follows) }),
    },
  };
}

export function describePlace(region: string, address: number, priority: number | undefined): string {
  return `${region} at ${hex(address)}${priority === undefined ? '' : ` with priority ${priority}`}`;
}

/** The names by which wires of this machine are saved. */
export function namesOf(machine: SnapshotMachine): WireNames {
  const services = machine.statefulServices.byName.values();
  return wireNames(
    services,
    machine.devices.map(({ id, device }) => ({
      id,
      pins: [...pinsOf(device).keys(), ...inputNamesIn(device)],
    })),
  );
}

export function optionsAsData(options: Readonly<Record<string, unknown>>): { readonly [name: string]: Json } {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, optionAsData(value)]));
}

/** The value of an option in a snapshot. */
export function optionAsData(value: unknown): Json {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  return String(value);
}

interface ReadableOption {
  readonly expected: string;
  parse(text: string): unknown;
  problem(value: unknown): string | undefined;
}

/** The value of an option from a snapshot. A wrong one is refused, and answered as it is. */
export function optionFromData(saved: JsonReader, option: ReadableOption | undefined): unknown {
  const { data } = saved;
  if (option === undefined || option.problem(data) === undefined) return data;
  const parsed = typeof data === 'string' ? option.parse(data) : undefined;
  if (parsed !== undefined && option.problem(parsed) === undefined) return parsed;
  saved.refuse(`expected ${option.expected}, found ${describeJson(data)}`);
  return data;
}

/** Values that fit stay on one line. */
const Width = 110;

/** A snapshot as a JSON file for people: short values on one line, long ones a line for each part. */
export function formatSnapshot(snapshot: MachineSnapshot): string {
  return `${format(snapshot, '')}\n`;
}

function format(value: unknown, indent: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((one) => format(one, inner))
    : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${format(one, inner)}`);
  const [open, close] = isList ? '[]' : '{}';
  const length = parts.reduce((sum, part) => sum + part.length + 2, 0);
  const fits = length + indent.length < Width && !parts.some((part) => part.includes('\n'));
  if (fits)
    return isList || parts.length === 0 ? `${open}${parts.join(', ')}${close}` : `${open} ${parts.join(', ')} ${close}`;
  return `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indent}${close}`;
}

/** Settles the machine, and answers all of its state that a guest can observe. */
export function saveMachine(machine: SnapshotMachine): MachineSnapshot {
  const accelerator = machine.accelerator.saveState();
  const { definition, ramSize: ram, options, clock, devices, hotplug } = machine;
  const unplugged = [...hotplug.unplugged];
  const inbox = machine.backends.save();
  const map = changedOrder(mapOrder(machine.topology), machine.mapWhenBuilt);
  return {
    schema: SnapshotSchema,
    machine: {
      name: definition.name,
      ram,
      options: optionsAsData(options),
      ...(unplugged.length === 0 ? {} : { unplugged }),
    },
    clock: { epoch: String(clock.epoch), now: clock.now, pending: pendingTimers(machine) },
    devices: devices.map((plugged) => ({
      id: plugged.id,
      ...(hotplug.plugged.has(plugged.id) ? { plugged: describeRequest(plugged, namesOf(machine)) } : {}),
      ...describeDevice(plugged),
      ...saveDevice(plugged.device),
    })),
    services: machine.statefulServices.save(),
    ...(inbox === undefined ? {} : { inbox }),
    memory: saveMemory(machine.ramBlocks),
    ...(Object.keys(map).length === 0 ? {} : { map }),
    accelerator,
  };
}

/** The wiring of a device that was plugged in later, so that it can be plugged in again. */
function describeRequest({ id, given, used, inputs }: PluggedDevice, names: WireNames): Json {
  const savedAs = (name: string, wire: Signal): Json => {
    const data = wireAsData(wire, names);
    if (data !== undefined) return data;
    throw new BackplaneError(
      'unsavable-wire',
      `Device '${id}' was plugged in while the machine ran, and a snapshot cannot restore the wire of its pin '${name}' to ` +
        `${wire.description}. It restores wires to pins of devices, and to lines whose service has wireNamed(). Put the device into ` +
        'the definition, or unplug it before you save.',
    );
  };
  const pins = Object.entries(used.interrupts ?? {}).flatMap(([name, wires]) => {
    const several = wires === undefined ? [] : ([wires].flat() as readonly Wire[]).map((wire) => savedAs(name, wire));
    return several.length === 0 ? [] : [[name, several.length === 1 ? (several[0] ?? null) : several] as const];
  });
  const follows = [...inputs].map(([name, signal]) => [name, savedAs(name, signal)] as const);
  return {
    options: optionsAsData(given),
    regions: (used.at ?? []).map(({ region, address, priority }) => describePlace(region.name, address, priority)),
    pins: Object.fromEntries(pins),
    ...(follows.length === 0 ? {} : { inputs: Object.fromEntries(follows) }),
  };
}

/** Moves all times of devices and services with the clock's epoch. */
export function rebaseState(machine: SnapshotMachine, nanoseconds: number): void {
  const move = { nanoseconds, moved: new Set<object>() };
  for (const { device } of machine.devices)
    for (const { device: one } of devicesIn(device)) rebaseFields(one, stateOfDevice(one), move);
  machine.statefulServices.rebase(move);
}

/** The armed timers in the order of firing, which is more than their deadlines. A timer of no device is refused. */
function pendingTimers(machine: SnapshotMachine): [string, string][] {
  const owners = new Map<Timer, [device: string, timer: string]>();
  for (const { id, device } of machine.devices)
    for (const [name, timer] of timersOf(device)) owners.set(timer, [id, name]);
  return [...machine.clock.pendingTimers].sort(firingOrder).map((timer) => {
    const owner = owners.get(timer);
    if (owner !== undefined) return owner;
    throw new BackplaneError(
      'unsavable-timer',
      `Machine '${machine.definition.name}': timer '${timer.name}' is armed and belongs to no device, so no snapshot could ` +
        'restore it. Declare it in the constructor of a device, or let it expire.',
    );
  });
}
