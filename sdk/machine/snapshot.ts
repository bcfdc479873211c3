import type { Json } from '../base/json-reader.ts';
import { hex } from '../base/text.ts';
import { formatPciAddress, isaIrq } from '../bus/index.ts';
import type { Timer } from '../clock/index.ts';
import { firingOrder, rebaseFields, saveDevice, timersOf } from '../device/index.ts';
import { BackplaneError } from '../memory/index.ts';
import type { Machine } from './machine.ts';
import type { PluggedDevice } from './machine-parts.ts';
import { changedOrder, mapOrder } from './map-order.ts';
import { saveMemory } from './snapshot-memory.ts';
import { pin, type Wire } from './wiring.ts';

/** Of the document as a whole; each device has a version of its own. */
export const SnapshotSchema = 'backplane-snapshot/2';

/** A machine between two instructions, as plain data that JSON can hold. Queued writes are delivered: none is in it. */
export interface MachineSnapshot {
  readonly schema: typeof SnapshotSchema;
  readonly machine: {
    readonly name: string;
    readonly ram: number;
    readonly options: { readonly [name: string]: Json };
    /** Ids of devices of the definition that were taken out while the machine ran; absent if there are none. */
    readonly unplugged?: readonly string[];
  };
  readonly clock: {
    /** Whole seconds from the start of the machine to the moment from which every time in here is counted, in decimal. */
    readonly epoch: string;
    /** Guest nanoseconds since then. */
    readonly now: number;
    /** Device and name of every armed timer, in the order in which they fire. */
    readonly pending: readonly (readonly [device: string, timer: string])[];
  };
  readonly devices: readonly Json[];
  readonly services: { readonly [name: string]: Json };
  readonly memory: Json;
  /**
   * Of containers with regions of equal priority: which of them lie in front, the one that answers first at the beginning. Absent
   * where that follows from how the machine was built.
   */
  readonly map?: { readonly [container: string]: readonly string[] };
  readonly accelerator: Json;
}

/** Settles the machine and writes down all that its guest could tell from another one. */
export function saveMachine(machine: Machine): MachineSnapshot {
  const accelerator = machine.accelerator.saveState();
  const { definition, ramSize: ram, options, clock, devices, hotplug } = machine;
  const unplugged = [...hotplug.unplugged];
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
      ...(hotplug.plugged.has(plugged.id) ? { plugged: describeRequest(plugged) } : {}),
      ...describeDevice(plugged),
      ...saveDevice(plugged.device),
    })),
    services: machine.statefulServices.save(),
    memory: saveMemory(machine.ramBlocks),
    ...(Object.keys(map).length === 0 ? {} : { map }),
    accelerator,
  };
}

/** What must be the same for a device to be the same: its options, and where it is plugged in. */
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

/** How a device that came later was asked for, so that it can be asked for again. */
function describeRequest({ id, given, used }: PluggedDevice): Json {
  const pins = Object.entries(used.interrupts ?? {}).flatMap(([name, wire]) =>
    wire === undefined ? [] : [[name, wire] as const],
  );
  for (const [name, { description }] of pins) {
    if (wireOf(description) !== undefined) continue;
    throw new BackplaneError(
      `Device '${id}' was plugged in while the machine ran, and a snapshot cannot wire its pin '${name}' to ${description} again: only ` +
        'to ISA lines and pins of devices. Put the device into the definition of the machine, or unplug it before you save.',
    );
  }
  return {
    options: optionsAsData(given),
    regions: (used.at ?? []).map(({ region, address, priority }) => describePlace(region.name, address, priority)),
    pins: Object.fromEntries(pins.map(([name, { description }]) => [name, description])),
  };
}

function describePlace(region: string, address: number, priority: number | undefined): string {
  return `${region} at ${hex(address)}${priority === undefined ? '' : ` with priority ${priority}`}`;
}

/** The wire that describes itself so. */
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

/** How a snapshot writes the value of an option. */
export function optionAsData(value: unknown): Json {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  return String(value);
}

/** The clock's epoch has moved, and with it every time that a device or a service keeps. */
export function rebaseState(machine: Machine, nanoseconds: number): void {
  const move = { nanoseconds, moved: new Set<object>() };
  for (const { device } of machine.devices) rebaseFields(device, device.blueprint.state, move);
  machine.statefulServices.rebase(move);
}

/** In the order in which they fire, which deadlines alone do not say. One that belongs to no device could not come back. */
function pendingTimers(machine: Machine): [string, string][] {
  const owners = new Map<Timer, string>();
  for (const { id, device } of machine.devices) for (const timer of timersOf(device).values()) owners.set(timer, id);
  return [...machine.clock.pendingTimers].sort(firingOrder).map((timer) => {
    const owner = owners.get(timer);
    if (owner !== undefined) return [owner, timer.name];
    throw new BackplaneError(
      `Machine '${machine.definition.name}': timer '${timer.name}' is armed and belongs to no device, so a snapshot could not ` +
        'bring it back. Declare it in the constructor of a device, or let it expire.',
    );
  });
}
