import { type SavedProblem, SavedReader } from '../accelerator/index.ts';
import { isaIrq } from '../bus/index.ts';
import { blueprintOf, type ConcreteDeviceClass, type StateDifference } from '../device/index.ts';
import { describeThrown } from '../memory/index.ts';
import type { Machine } from './machine.ts';
import { optionAsData } from './snapshot.ts';
import { optionFromData } from './snapshot-request.ts';
import { type Placement, pin, type UsedDevice, type Wire } from './wiring.ts';
import { WiringError } from './wiring-error.ts';

const MostDevices = 4096;
/** An id is printed on terminals. */
const Printable = /^[^\p{C}]+$/u;

/**
 * Plugs in what was plugged into the saved machine while it ran, and takes out what was taken out of it. Answers what cannot be
 * done; the machine is fresh, and thrown away then.
 */
export function plugAgain(
  machine: Machine,
  snapshot: SavedReader,
  classes: readonly ConcreteDeviceClass[],
): readonly StateDifference[] {
  return [...takeOut(machine, snapshot.member('machine').member('unplugged')), ...plugIn(machine, snapshot, classes)];
}

function takeOut(machine: Machine, unplugged: SavedReader): StateDifference[] {
  if (unplugged.data === undefined) return [];
  return unplugged.list(MostDevices).flatMap((one) => {
    const id = one.text(256);
    if (machine.deviceById(id) === undefined) return [];
    return attempt(() => machine.unplug(id), { path: one.path }, 'cannot be taken out again');
  });
}

function plugIn(machine: Machine, snapshot: SavedReader, classes: readonly ConcreteDeviceClass[]): StateDifference[] {
  const known = [...classes, ...machine.definition.devices.map((used) => used.device)];
  return snapshot
    .member('devices')
    .list(MostDevices)
    .filter((saved) => saved.member('plugged').data !== undefined && saved.member('plugged').boolean())
    .flatMap((saved) => {
      const id = saved.member('id').text(256);
      if (!Printable.test(id)) {
        return [{ path: saved.member('id').path, problem: `${JSON.stringify(id)} cannot be the id of a device` }];
      }
      if (machine.deviceById(id) !== undefined) return [];
      const type = saved.member('type').text(256);
      const deviceClass = known.find((one) => blueprintOf(one).type === type);
      if (deviceClass === undefined) {
        const problem =
          `was plugged in while the machine ran, and no class of type '${type}' is known here. Give it: ` +
          'Machine.restore(..., { deviceClasses: [...] }), or -plugin FILE';
        return [{ device: id, path: '', problem }];
      }
      const problems: SavedProblem[] = [];
      const used = usedAgain(deviceClass, id, new SavedReader(saved.data, '', problems));
      if (problems.length > 0) return problems.map((one) => ({ device: id, ...one }));
      return attempt(() => machine.plug(used), { device: id, path: '' }, 'cannot be plugged in again');
    });
}

function attempt(work: () => unknown, where: Omit<StateDifference, 'problem'>, what: string): StateDifference[] {
  try {
    work();
    return [];
  } catch (error) {
    const why = error instanceof WiringError ? error.mistakes.join(' ') : describeThrown(error);
    return [{ ...where, problem: `${what}: ${why}` }];
  }
}

/** How the device was plugged in, said again. What follows from its options is left to them. */
function usedAgain(deviceClass: ConcreteDeviceClass, id: string, saved: SavedReader): UsedDevice {
  const { declarations } = blueprintOf(deviceClass).options;
  const given = saved
    .member('options')
    .entries()
    .filter(
      ([name, { data }]) => Object.hasOwn(declarations, name) && data !== optionAsData(declarations[name]?.default),
    );
  const options = Object.fromEntries(given.map(([name, one]) => [name, optionFromData(one, declarations[name])]));
  const place = saved.member('place');
  const address = place.member('address');
  const addr = address.data === undefined ? {} : { addr: address.text(8) };
  return {
    device: deviceClass,
    id,
    options,
    at: placements(deviceClass, options, place.member('regions')),
    interrupts: wires(deviceClass, options, place.member('pins')),
    ...addr,
  };
}

function placements(
  deviceClass: ConcreteDeviceClass,
  given: Readonly<Record<string, unknown>>,
  regions: SavedReader,
): Placement[] {
  const { regions: own, options } = blueprintOf(deviceClass);
  const declarations = Object.entries(options.declarations);
  return regions.list(MostDevices).flatMap((one) => {
    const [, name, digits = ''] = /^(.*) at (0x[0-9a-f]{1,14})$/.exec(one.text()) ?? [];
    const region = own.find(({ template }) => template.name === name)?.template;
    const address = Number(digits);
    // What the class has no more is found when everything is compared.
    if (region === undefined) return [];
    const byOption = declarations.find(([, { places }]) => places === region);
    const usual = byOption === undefined ? region.base : (given[byOption[0]] ?? byOption[1].default);
    return usual === address ? [] : [{ region, address }];
  });
}

function wires(
  deviceClass: ConcreteDeviceClass,
  options: Readonly<Record<string, unknown>>,
  pins: SavedReader,
): Readonly<Record<string, Wire>> {
  const { declarations } = blueprintOf(deviceClass).options;
  const byOption = Object.entries(declarations).flatMap(([name, { wires: wiring, default: usual }]) => {
    const value = options[name] ?? usual;
    return wiring === undefined || typeof value !== 'number' ? [] : [`${wiring.pin} ${wiring.to(value).description}`];
  });
  return Object.fromEntries(
    pins.entries().flatMap(([name, one]) => {
      const description = one.text();
      if (byOption.includes(`${name} ${description}`)) return [];
      const wire = wireOf(description);
      if (wire !== undefined) return [[name, wire]];
      one.refuse(`was wired to ${description}, and only ISA lines and pins of devices can be wired again`);
      return [];
    }),
  );
}

/** The wire that describes itself so. */
function wireOf(description: string): Wire | undefined {
  const [, irq] = /^ISA IRQ (\d{1,2})$/.exec(description) ?? [];
  if (irq !== undefined) return isaIrq(Number(irq));
  const [, name, device] = /^pin '([^']+)' of '([^']+)'$/.exec(description) ?? [];
  return name === undefined || device === undefined ? undefined : pin(device, name);
}
