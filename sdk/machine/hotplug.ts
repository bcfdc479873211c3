import type { MachineClock } from '../accelerator/index.ts';
import { BackplaneError, describeThrown } from '../base/errors.ts';
import { nearest } from '../base/text.ts';
import { formatPciAddress, type PciBus, PciDevice } from '../bus/index.ts';
import { blueprintOf, type ConcreteDeviceClass, type Device, loadDevice, pinsOf, saveDevice } from '../device/index.ts';
import { timersOf } from '../device/timers.ts';
import type { MemoryTopology } from '../memory/index.ts';
import type { MachineDefinition } from './definition.ts';
import { quietly } from './host.ts';
import { arrangeMap, mapOrder } from './map-order.ts';
import type { PluggedDevice } from './parts.ts';
import { DeviceWire, type UsedDevice } from './wiring.ts';

/** What became of a machine since it was built: a snapshot says it, so that a restored one can be made the same. */
export class HotplugHistory {
  private readonly added = new Set<string>();
  private readonly removed = new Set<string>();

  /** Ids of devices that were plugged in and are there. */
  get plugged(): ReadonlySet<string> {
    return this.added;
  }

  /** Ids of devices that the definition has and that were taken out. */
  get unplugged(): ReadonlySet<string> {
    return this.removed;
  }

  notePlugged(id: string): void {
    this.added.add(id);
  }

  noteUnplugged(id: string): void {
    if (!this.added.delete(id)) this.removed.add(id);
  }
}

const remedy = {
  unplug: (other: string) => `Unplug '${other}' first.`,
  swap: (other: string) => `Swap '${other}' with it in one swapAll(), or unplug '${other}' first.`,
} as const;

/** The device with that id, if the machine can do without it now. */
export function unpluggable(
  devices: readonly PluggedDevice[],
  id: string,
  { name, interruptController = [] }: MachineDefinition,
  verb: 'unplug' | 'swap' = 'unplug',
  /** Goes together with these. */
  together: readonly string[] = [id],
): PluggedDevice {
  const found = devices.find((device) => device.id === id);
  const refuse = (why: string) => new BackplaneError(`Machine '${name}': cannot ${verb} '${id}': ${why}`);
  if (found === undefined) {
    const ids = devices.map((device) => device.id);
    const close = nearest(id, ids);
    throw refuse(
      `no device has that id. ${close === undefined ? `The ids are ${ids.join(', ')}.` : `Did you mean '${close}'?`}`,
    );
  }
  if ([interruptController].flat().includes(id))
    throw refuse('it interrupts the processor. Build another machine instead.');
  for (const { id: other, wires } of devices) {
    for (const [pin, wire] of wires) {
      if (!(wire instanceof DeviceWire) || wire.device !== id || together.includes(other)) continue;
      throw refuse(`pin '${pin}' of '${other}' is wired to it. ${remedy[verb](other)}`);
    }
  }
  if (found.regions.some(({ guard }) => guard?.engagedInIo === true)) {
    throw refuse(
      `it is inside one of its own handlers. ${verb === 'swap' ? 'Swap' : 'Unplug'} it when that has returned.`,
    );
  }
  return found;
}

/** Devices change between two instructions: not while one of them, whichever, is answering the guest. */
export function refuseInsideHandler({ handlerDepth }: MemoryTopology, { name }: MachineDefinition): void {
  if (handlerDepth === 0) return;
  throw new BackplaneError(
    `Machine '${name}': cannot swap devices inside a handler of one of them. Call pause() there, and swap when run() has returned.`,
  );
}

/** A device, and the class whose instance is to take its place. */
export interface Swap {
  readonly old: PluggedDevice;
  readonly deviceClass: ConcreteDeviceClass;
}

export interface SwapOutcome {
  /** In the order of the swaps. */
  readonly made: readonly PluggedDevice[];
  /** What old devices threw on their way out; the new ones are in place all the same. */
  readonly complaints: readonly string[];
}

/** What the machine does for a swap: it knows services and containers. */
export interface SwapWorkshop {
  readonly topology: MemoryTopology;
  readonly clock: MachineClock;
  readonly pci: PciBus | undefined;
  /** Constructs the new devices as the machine would plug them in; throws a WiringError. */
  make(used: readonly UsedDevice[]): PluggedDevice[];
  /** With the RAM of the old one; answers how to put back what was in that. */
  realize(made: PluggedDevice, old: PluggedDevice): () => void;
  /** `made` are all the new devices: wires may lead from one to another. */
  solder(one: PluggedDevice, made: readonly PluggedDevice[]): void;
  /** What the machine holds for a device that has gone may go too, but for what the other one has. */
  retire(gone: PluggedDevice, stays: PluggedDevice): void;
}

/**
 * Puts instances of other classes, usually later editions of the same source file, in the places of devices: the same ids,
 * addresses, options and wires, and the state of the old ones through their snapshots. First all of them are made, and
 * take and check their states, connected to nothing. Only when the last of them agrees do wires, timers and addresses
 * change hands. All of it happens in one transaction that the guest cannot look into, or nothing, and the old devices stay.
 */
export function swapDevices(swaps: readonly Swap[], shop: SwapWorkshop): SwapOutcome {
  const { topology } = shop;
  return topology.transaction(() => {
    const order = mapOrder(topology);
    try {
      const made = prepare(swaps, shop);
      return { made, complaints: commit(swaps, made, shop) };
    } finally {
      arrangeMap(topology, order);
    }
  });
}

/** Nothing that the old devices hold is touched; their regions are out of the way meanwhile. */
function prepare(swaps: readonly Swap[], shop: SwapWorkshop): PluggedDevice[] {
  const used = swaps.map(({ old, deviceClass }) => usedAs(old, deviceClass));
  const saved = swaps.map(({ old }) => saveDevice(old.device));
  const undo: (() => void)[] = [];
  try {
    for (const { old } of swaps) {
      undo.push(() => map(old));
      unmap(old);
    }
    const made = shop.make(used);
    made.forEach((heir, index) => {
      undo.push(() => drop(heir, (swaps[index] as Swap).old, shop));
    });
    made.forEach((heir, index) => {
      undo.unshift(shop.realize(heir, (swaps[index] as Swap).old));
      loadDevice(heir.device, saved[index]);
      map(heir);
    });
    return made;
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

function commit(swaps: readonly Swap[], made: readonly PluggedDevice[], shop: SwapWorkshop): string[] {
  const pairs = swaps.map(({ old }, index) => ({ old, heir: made[index] as PluggedDevice }));
  for (const { heir } of pairs) shop.solder(heir, made);
  for (const { old, heir } of pairs) {
    if (old.device instanceof PciDevice) shop.pci?.replace(old.device, heir.device as PciDevice);
    takeOverTimers(shop.clock, old.device, heir.device);
  }
  for (const { old } of pairs) cutQuietly(old);
  return pairs.flatMap(({ old, heir }) => sendAway(old, heir, shop));
}

/** The old device's last code; it cannot keep the new one out any more. */
function sendAway(old: PluggedDevice, heir: PluggedDevice, shop: SwapWorkshop): string[] {
  shop.retire(old, heir);
  try {
    old.device.unrealize();
    return [];
  } catch (error) {
    return [`Device '${old.id}': onUnrealize() of the old one threw: ${describeThrown(error)}`];
  }
}

/** What was asked for the old device, said of the new class. What was not given takes the new class's default. */
function usedAs(
  { id, blueprint: old, used, given, address }: PluggedDevice,
  deviceClass: ConcreteDeviceClass,
): UsedDevice {
  const blueprint = blueprintOf(deviceClass);
  const refuse = (why: string) => new BackplaneError(`Device '${id}': ${blueprint.type} cannot take its place: ${why}`);
  if (blueprint.type !== old.type) throw refuse(`it is a ${old.type}.`);
  if (blueprint.bus !== old.bus) throw refuse(`it would plug into ${blueprint.bus}, and the old one is on ${old.bus}.`);
  const lost = Object.keys(given).find((name) => !Object.hasOwn(blueprint.options.declarations, name));
  if (lost !== undefined) throw refuse(`it was plugged in with option '${lost}', which the new class has not.`);
  const at = (used.at ?? []).flatMap((placement) => {
    const region = blueprint.regions.find(({ template }) => template.name === placement.region.name)?.template;
    return region === undefined ? [] : [{ ...placement, region }];
  });
  const addr = address === undefined ? {} : { addr: formatPciAddress(address) };
  return { device: deviceClass, id, options: given, at, interrupts: used.interrupts ?? {}, ...addr };
}

function map({ device, mappings }: PluggedDevice): void {
  for (const { container, planned, start, priority } of mappings) {
    container.addSubregion(start, device.region(planned.template), priority);
  }
}

function unmap({ device, mappings }: PluggedDevice): void {
  for (const { planned } of mappings) {
    const region = device.region(planned.template);
    region.container?.removeSubregion(region);
  }
}

/** A device that was made in vain. */
function drop(made: PluggedDevice, old: PluggedDevice, shop: SwapWorkshop): void {
  shop.retire(made, old);
  for (const timer of timersOf(made.device).values()) timer.cancel();
  if (!made.device.realized) return;
  unmap(made);
  quietly(() => made.device.unrealize());
}

/** Timers that expire at one instant fire in the order in which they were armed: the new ones stand where the old ones stood. */
function takeOverTimers(clock: MachineClock, old: Device, made: Device): void {
  const before = new Map([...timersOf(old)].map(([name, timer]) => [timer, name]));
  const after = timersOf(made);
  const own = new Set(after.values());
  const inOrder = clock.pendingTimers.flatMap((timer) => {
    const name = before.get(timer);
    if (name === undefined) return own.has(timer) && isKnown(before, timer.name) ? [] : [timer];
    const heir = after.get(name);
    return heir?.pending === true ? [heir] : [];
  });
  const deadlines = inOrder.map(({ deadline }) => deadline);
  for (const timer of before.keys()) timer.cancel();
  for (const timer of inOrder) timer.cancel();
  inOrder.forEach((timer, index) => {
    timer.arm(deadlines[index] as number);
  });
}

const isKnown = (timers: ReadonlyMap<{ readonly pending: boolean }, string>, name: string): boolean =>
  [...timers].some(([timer, known]) => known === name && timer.pending);

/** The new device holds its wires already: a line that several pull stays up; a wire that only one pin holds is not let down. */
function cutQuietly({ device, wires, cuts }: PluggedDevice): void {
  const pins = pinsOf(device);
  const inOrder = [...wires];
  cuts.splice(0).forEach((cut, index) => {
    const [name, wire] = inOrder[index] ?? [];
    if (wire instanceof DeviceWire) pins.get(name ?? '')?.restore(false);
    cut();
  });
}
