import { BackplaneError } from '../../base/errors.ts';
import type { Json } from '../../base/json-reader.ts';
import type { Timer } from '../../clock/index.ts';
import { firingOrder, saveDevice, timersOf } from '../../device/index.ts';
import { rebaseFields } from '../../state/fields.ts';
import { changedOrder, mapOrder } from '../map-order.ts';
import type { PluggedDevice } from '../parts.ts';
import {
  describeDevice,
  describePlace,
  type MachineSnapshot,
  optionsAsData,
  type SnapshotMachine,
  SnapshotSchema,
  wireOf,
} from './document.ts';
import { saveMemory } from './memory.ts';

/** Settles the machine, and answers all of its state that a guest can observe. */
export function saveMachine(machine: SnapshotMachine): MachineSnapshot {
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

/** The wiring of a device that was plugged in later, so that it can be plugged in again. */
function describeRequest({ id, given, used }: PluggedDevice): Json {
  const pins = Object.entries(used.interrupts ?? {}).flatMap(([name, wire]) =>
    wire === undefined ? [] : [[name, wire] as const],
  );
  for (const [name, { description }] of pins) {
    if (wireOf(description) !== undefined) continue;
    throw new BackplaneError(
      'unsavable-wire',
      `Device '${id}' was plugged in while the machine ran, and a snapshot cannot restore the wire of its pin '${name}' to ${description}. ` +
        'It restores wires to ISA lines and pins of devices. Put the device into the definition, or unplug it before you save.',
    );
  }
  return {
    options: optionsAsData(given),
    regions: (used.at ?? []).map(({ region, address, priority }) => describePlace(region.name, address, priority)),
    pins: Object.fromEntries(pins.map(([name, { description }]) => [name, description])),
  };
}

/** Moves all times of devices and services with the clock's epoch. */
export function rebaseState(machine: SnapshotMachine, nanoseconds: number): void {
  const move = { nanoseconds, moved: new Set<object>() };
  for (const { device } of machine.devices) rebaseFields(device, device.metadata.state, move);
  machine.statefulServices.rebase(move);
}

/** The armed timers in the order of firing, which is more than their deadlines. A timer of no device is refused. */
function pendingTimers(machine: SnapshotMachine): [string, string][] {
  const owners = new Map<Timer, string>();
  for (const { id, device } of machine.devices) for (const timer of timersOf(device).values()) owners.set(timer, id);
  return [...machine.clock.pendingTimers].sort(firingOrder).map((timer) => {
    const owner = owners.get(timer);
    if (owner !== undefined) return [owner, timer.name];
    throw new BackplaneError(
      'unsavable-timer',
      `Machine '${machine.definition.name}': timer '${timer.name}' is armed and belongs to no device, so no snapshot could ` +
        'restore it. Declare it in the constructor of a device, or let it expire.',
    );
  });
}
