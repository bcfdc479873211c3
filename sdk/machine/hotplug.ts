import type { MachineClock } from '../accelerator/index.ts';
import { BackplaneError, describeThrown } from '../base/errors.ts';
import { didYouMean } from '../base/text.ts';
import {
  type ConcreteDeviceClass,
  type Device,
  loadDevice,
  metadataOf,
  saveDevice,
  timersOf,
} from '../device/index.ts';
import type { MemoryTopology } from '../memory/index.ts';
import type { MachineBuilder } from './builder.ts';
import { changeOver, joinNewBuses, type Pair } from './buses/moving.ts';
import type { MachineDefinition, RunningMachine } from './definition.ts';
import { quietly } from './device-failures.ts';
import { arrangeMap, mapOrder } from './map-order.ts';
import { connectionsOf, devicesOf } from './wires/connections.ts';
import { controllerIds } from './wires/interrupt-controllers.ts';
import type { PluggedDevice, UsedDevice } from './wiring.ts';

/** The one device of a class. */
export function deviceOfClass<C extends ConcreteDeviceClass>(
  { devices, definition }: RunningMachine,
  deviceClass: C,
): InstanceType<C> {
  const found = devices.filter(({ device }) => device instanceof deviceClass);
  const ids = (found.length === 0 ? devices : found).map(({ id }) => id).join(', ');
  const [first] = found;
  if (first !== undefined && found.length === 1) return first.device as InstanceType<C>;
  throw new BackplaneError(
    found.length === 0 ? 'no-such-device' : 'ambiguous-device',
    found.length === 0
      ? `Machine '${definition.name}' has no ${deviceClass.name}. It has ${ids || 'no devices'}.`
      : `Machine '${definition.name}' has ${found.length} of ${deviceClass.name}: ${ids}. Ask by id: deviceById(id).`,
  );
}

/** The device with that id; refused if it cannot be removed now. */
export function unpluggable(
  devices: readonly PluggedDevice[],
  id: string,
  { name, interruptController }: MachineDefinition,
  verb: 'unplug' | 'swap' = 'unplug',
): PluggedDevice {
  const found = devices.find((device) => device.id === id);
  const refuse = (code: string, why: string) =>
    new BackplaneError(code, `Machine '${name}': cannot ${verb} '${id}': ${why}`);
  if (found === undefined) {
    const ids = devices.map((device) => device.id);
    throw refuse('no-such-device', `no device has that id. ${didYouMean(id, ids, `The ids are ${ids.join(', ')}.`)}`);
  }
  if (controllerIds(interruptController).includes(id))
    throw refuse('device-in-use', 'it interrupts the processor. Build another machine instead.');
  const child = devices.find(({ place }) => place.owner === id);
  if (child !== undefined && verb === 'unplug')
    throw refuse('device-in-use', `'${child.id}' is on its bus '${child.place.name}'. Unplug '${child.id}' first.`);
  for (const { owner, at, ...ends } of verb === 'swap' ? [] : devices.flatMap(connectionsOf)) {
    if (owner === id || !devicesOf({ owner, at, ...ends }).includes(id)) continue;
    throw refuse('device-in-use', `pin '${at}' of '${owner}' is wired to it. Unplug '${owner}' first.`);
  }
  if (found.regions.some(({ guard }) => guard?.engagedInIo === true)) {
    throw refuse(
      'inside-handler',
      `it is inside one of its own handlers. ${verb === 'swap' ? 'Swap' : 'Unplug'} it when that has returned.`,
    );
  }
  return found;
}

/** Devices are swapped between two instructions, never while a handler of any device runs. */
export function refuseInsideHandler(topology: MemoryTopology, { name }: MachineDefinition): void {
  if (topology.handlerDepth === 0) return;
  throw new BackplaneError(
    'inside-handler',
    `Machine '${name}': cannot swap devices inside a handler of one of them. Call pause() there, and swap when run() has returned.`,
  );
}

/** A device, and the class whose instance takes its place. */
export interface Swap {
  readonly old: PluggedDevice;
  readonly deviceClass: ConcreteDeviceClass;
}

export interface SwapOutcome {
  /** In the order of the swaps. */
  readonly made: readonly PluggedDevice[];
  /** Errors that old devices threw in onUnrealize(); the new devices are in place nevertheless. */
  readonly complaints: readonly string[];
}

/**
 * Replaces devices by instances of other classes, usually later versions of the same source file. Ids, addresses, options and wires
 * stay, and the state is loaded from snapshots of the old devices. First all replacements are made and load their states,
 * not connected. If one fails, the old devices stay. Then wires, timers and addresses change over, in the same transaction.
 */
export function replaceDevices(
  swaps: readonly Swap[],
  present: readonly PluggedDevice[],
  builder: MachineBuilder,
): SwapOutcome {
  const { topology } = builder.board;
  const others = present.filter((one) => !swaps.some(({ old }) => old === one));
  try {
    return topology.transaction(() => {
      const order = mapOrder(topology);
      try {
        const { pairs, leaveOldBuses } = prepare(swaps, others, builder);
        const made = pairs.map(({ replacement }) => replacement);
        builder.wires.replace(made, [...others, ...made]);
        for (const leave of leaveOldBuses) leave();
        return { made, complaints: commit(pairs, builder) };
      } finally {
        arrangeMap(topology, order);
      }
    });
  } finally {
    builder.closeRetired();
  }
}

interface Prepared {
  readonly pairs: readonly Pair[];
  /** Take the devices of swapped controllers off the old buses. */
  readonly leaveOldBuses: readonly (() => void)[];
}

/** Makes the replacements. Of the old devices only the regions are unmapped meanwhile. */
function prepare(swaps: readonly Swap[], others: readonly PluggedDevice[], builder: MachineBuilder): Prepared {
  const used = swaps.map(({ old, deviceClass }) => usedAs(old, deviceClass));
  const saved = swaps.map(({ old }) => saveDevice(old.device));
  const undo: (() => void)[] = [];
  try {
    for (const { old } of swaps) {
      undo.push(() => old.mapRegions());
      old.unmapRegions();
    }
    const made = builder.makeReplacements(used, others);
    const pairs = swaps.map(({ old }, index) => ({ old, replacement: made[index] as PluggedDevice }));
    for (const pair of pairs) undo.push(() => discard(pair, builder));
    for (const { old, replacement } of pairs) undo.unshift(builder.realizeReplacement(replacement, old));
    const leaveOldBuses = joinNewBuses(pairs, others, undo);
    pairs.forEach(({ replacement }, index) => {
      loadDevice(replacement.device, saved[index]);
      replacement.mapRegions();
    });
    return { pairs, leaveOldBuses };
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

/** Cannot fail: errors of the old devices are answered. */
function commit(pairs: readonly Pair[], builder: MachineBuilder): string[] {
  for (const { old, replacement } of pairs) {
    changeOver({ old, replacement });
    builder.backends.give(replacement.device);
    moveTimers(builder.clock, old.device, replacement.device);
  }
  return pairs.flatMap(({ old, replacement }) => {
    builder.retire(old, replacement);
    try {
      old.device.unrealize();
      return [];
    } catch (error) {
      return [`Device '${old.id}': onUnrealize() of the old one threw: ${describeThrown(error)}`];
    }
  });
}

/** Undoes a replacement after a failure. */
function discard({ old, replacement }: Pair, builder: MachineBuilder): void {
  builder.retire(replacement, old);
  for (const timer of timersOf(replacement.device).values()) timer.cancel();
  if (!replacement.device.realized) return;
  replacement.leaveBus();
  replacement.unmapRegions();
  quietly(() => replacement.device.unrealize());
}

/** The wiring of the old device, for the new class. An option that was not given takes the new class's default. */
function usedAs(
  { id, metadata: old, used, given, address, place }: PluggedDevice,
  deviceClass: ConcreteDeviceClass,
): UsedDevice {
  const metadata = metadataOf(deviceClass);
  const refuse = (why: string) =>
    new BackplaneError('replacement-mismatch', `Device '${id}': ${metadata.type} cannot replace it: ${why}`);
  if (metadata.type !== old.type) throw refuse(`its type is ${old.type}.`);
  if (metadata.bus !== old.bus) throw refuse(`its bus is ${old.bus}, not ${metadata.bus}.`);
  const lost = Object.keys(given).find((name) => !Object.hasOwn(metadata.options.declarations, name));
  if (lost !== undefined) throw refuse(`it has the option '${lost}', which the new class does not have.`);
  const at = (used.at ?? []).flatMap((placement) => {
    const region = metadata.regions.find(({ template }) => template.name === placement.region.name)?.template;
    return region === undefined ? [] : [{ ...placement, region }];
  });
  return {
    device: deviceClass,
    id,
    options: given,
    at,
    interrupts: used.interrupts ?? {},
    inputs: used.inputs ?? {},
    bus: place.name,
    ...(address === undefined ? {} : { addr: address }),
  };
}

/** Timers with one deadline fire in the order in which they were armed: the new timers take the places of the old ones. */
function moveTimers(clock: MachineClock, old: Device, made: Device): void {
  const before = new Map([...timersOf(old)].map(([name, timer]) => [timer, name]));
  const after = timersOf(made);
  const own = new Map([...after].map(([name, timer]) => [timer, name]));
  const inOrder = clock.pendingTimers.flatMap((timer) => {
    const name = before.get(timer);
    if (name === undefined) return isKnown(before, own.get(timer)) ? [] : [timer];
    const replacement = after.get(name);
    return replacement?.pending === true ? [replacement] : [];
  });
  const deadlines = inOrder.map(({ deadline }) => deadline);
  for (const timer of before.keys()) timer.cancel();
  for (const timer of inOrder) timer.cancel();
  inOrder.forEach((timer, index) => {
    timer.arm(deadlines[index] as number);
  });
}

const isKnown = (timers: ReadonlyMap<{ readonly pending: boolean }, string>, name: string | undefined): boolean =>
  [...timers].some(([timer, known]) => known === name && timer.pending);
