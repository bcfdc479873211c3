import type { MachineClock } from '../accelerator/index.ts';
import { formatPciAddress, type PciBus, PciDevice } from '../bus/index.ts';
import { timersOf } from '../device/device-timers.ts';
import { blueprintOf, type ConcreteDeviceClass, type Device, loadDevice, pinsOf, saveDevice } from '../device/index.ts';
import { BackplaneError, type MemoryTopology } from '../memory/index.ts';
import type { PluggedDevice } from './machine-parts.ts';
import { DeviceWire, type Placement, type UsedDevice, type Wire } from './wiring.ts';

/** What the machine does for a swap: it knows services and containers. */
export interface SwapWorkshop {
  readonly topology: MemoryTopology;
  readonly clock: MachineClock;
  readonly pci: PciBus | undefined;
  /** Constructs the new device as the machine would plug it in; throws a WiringError. */
  make(used: UsedDevice): PluggedDevice;
  realize(plugged: PluggedDevice): void;
  solder(plugged: PluggedDevice): void;
}

/**
 * Puts an instance of another class, usually a later edition of the same source file, in the place of a device: the same id,
 * address, options and wires, and the state of the old one through its snapshot. Either all of it happens, in one
 * transaction that the guest cannot look into, or none, and the old device stays.
 */
export function swapDevice(old: PluggedDevice, deviceClass: ConcreteDeviceClass, shop: SwapWorkshop): PluggedDevice {
  const used = usedAs(old, deviceClass);
  const saved = saveDevice(old.device);
  return shop.topology.transaction(() => {
    unmap(old);
    let made: PluggedDevice | undefined;
    try {
      made = shop.make(used);
      shop.realize(made);
      loadDevice(made.device, saved);
      map(made);
    } catch (error) {
      if (made !== undefined) drop(made);
      map(old);
      throw error;
    }
    shop.solder(made);
    if (old.device instanceof PciDevice) shop.pci?.replace(old.device, made.device as PciDevice);
    takeOverTimers(shop.clock, old.device, made.device);
    cutQuietly(old);
    old.device.unrealize();
    return made;
  });
}

/** How the machine plugged the old device in, said of the new class. What was default then may be another default now. */
function usedAs({ id, blueprint: old, ...plugged }: PluggedDevice, deviceClass: ConcreteDeviceClass): UsedDevice {
  const blueprint = blueprintOf(deviceClass);
  const refuse = (why: string) => new BackplaneError(`Device '${id}': ${blueprint.type} cannot take its place: ${why}`);
  if (blueprint.type !== old.type) throw refuse(`it is a ${old.type}.`);
  if (blueprint.bus !== old.bus) throw refuse(`it would plug into ${blueprint.bus}, and the old one is on ${old.bus}.`);
  const given = Object.entries(plugged.options).filter(
    ([name, value]) => value !== old.options.declarations[name]?.default,
  );
  const { declarations } = blueprint.options;
  const lost = given.find(([name]) => !Object.hasOwn(declarations, name));
  if (lost !== undefined) throw refuse(`it was plugged in with option '${lost[0]}', which the new class has not.`);
  const options = Object.fromEntries(given);
  const placedByOption = new Set(
    Object.entries(declarations).flatMap(([name, { places }]) => (places && name in options ? [places] : [])),
  );
  const at = plugged.mappings.flatMap(({ planned, start, priority }): Placement[] => {
    const template = blueprint.regions.find(({ template: one }) => one.name === planned.template.name)?.template;
    const moved = start !== planned.template.base && !optionPlaces(old.options.declarations, planned.template);
    if (template === undefined || placedByOption.has(template) || !moved) return [];
    return [{ region: template, address: start, priority }];
  });
  const byOption = Object.values(old.options.declarations);
  const isOwn = (pin: string, wire: Wire) =>
    !byOption.some(
      ({ wires }) => wires?.pin === pin && wire === plugged.wires.get(pin) && fromOption(wire, pin, plugged, old),
    );
  const interrupts = Object.fromEntries([...plugged.wires].filter(([pin, wire]) => isOwn(pin, wire)));
  const addr = plugged.address === undefined ? {} : { addr: formatPciAddress(plugged.address) };
  return { device: deviceClass, id, options, at, interrupts, ...addr };
}

type Declarations = PluggedDevice['blueprint']['options']['declarations'];

const optionPlaces = (declarations: Declarations, template: unknown): boolean =>
  Object.values(declarations).some(({ places }) => places === template);

/** The wire goes where the option says: it was the option that said so. */
function fromOption(
  wire: Wire,
  pin: string,
  { options }: Pick<PluggedDevice, 'options'>,
  { options: set }: PluggedDevice['blueprint'],
): boolean {
  return Object.entries(set.declarations).some(([name, { wires }]) => {
    const value = options[name];
    return wires?.pin === pin && typeof value === 'number' && wires.to(value).description === wire.description;
  });
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
function drop(made: PluggedDevice): void {
  for (const timer of timersOf(made.device).values()) timer.cancel();
  if (!made.device.realized) return;
  unmap(made);
  made.device.unrealize();
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
