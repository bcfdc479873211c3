import { describeJson, type Json, type JsonReader } from '../../base/json-reader.ts';
import { hex } from '../../base/text.ts';
import { formatPciAddress, isaIrq } from '../../bus/index.ts';
import type { RunningMachine } from '../definition.ts';
import type { MapOrder } from '../map-order.ts';
import type { PluggedDevice } from '../parts.ts';
import type { StatefulServices } from '../services.ts';
import { pin, type UsedDevice, type Wire } from '../wiring.ts';

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
  address,
}: PluggedDevice): Record<'options' | 'place', Json> {
  const regions = mappings.map(({ name, start, priority }) => describePlace(name, start, priority || undefined));
  const pins = [...wires].map(([pin, { description }]) => [pin, description]);
  return {
    options: optionsAsData(options),
    place: {
      ...(address === undefined ? {} : { address: formatPciAddress(address) }),
      regions,
      pins: Object.fromEntries(pins),
    },
  };
}

export function describePlace(region: string, address: number, priority: number | undefined): string {
  return `${region} at ${hex(address)}${priority === undefined ? '' : ` with priority ${priority}`}`;
}

/** The wire with this description. */
export function wireOf(description: string): Wire | undefined {
  const [, irq] = /^ISA IRQ (\d{1,2})$/.exec(description) ?? [];
  if (irq !== undefined) return isaIrq(Number(irq));
  const [, name, device] = /^pin '([^']+)' of '([^']+)'$/.exec(description) ?? [];
  return name === undefined || device === undefined ? undefined : pin(device, name);
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
