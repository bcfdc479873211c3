import { type JsonProblem, JsonReader } from '../base/json-reader.ts';
import { blueprintOf, type ConcreteDeviceClass, type DeviceBlueprint, type StateDifference } from '../device/index.ts';
import { describeThrown } from '../memory/index.ts';
import type { Machine } from './machine.ts';
import { optionAsData, wireOf } from './snapshot.ts';
import { optionFromData } from './snapshot-request.ts';
import type { Placement, UsedDevice, Wire } from './wiring.ts';
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
  snapshot: JsonReader,
  classes: readonly ConcreteDeviceClass[],
): readonly StateDifference[] {
  return [...takeOut(machine, snapshot.member('machine').member('unplugged')), ...plugIn(machine, snapshot, classes)];
}

function takeOut(machine: Machine, unplugged: JsonReader): StateDifference[] {
  if (unplugged.data === undefined) return [];
  return unplugged.list(MostDevices).flatMap((one) => {
    const id = one.text(256);
    if (machine.deviceById(id) === undefined) return [];
    return attempt(() => machine.unplug(id), { path: one.path }, 'cannot be taken out again');
  });
}

function plugIn(machine: Machine, snapshot: JsonReader, classes: readonly ConcreteDeviceClass[]): StateDifference[] {
  const known = [...classes, ...machine.definition.devices.map((used) => used.device)];
  return snapshot
    .member('devices')
    .list(MostDevices)
    .filter((saved) => saved.member('plugged').data !== undefined)
    .flatMap((saved) => {
      saved.member('plugged').only('options', 'regions', 'pins');
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
      const problems: JsonProblem[] = [];
      const used = usedAgain(deviceClass, id, new JsonReader(saved.data, '', problems));
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

/**
 * How the device was asked for, said again. An option that was not given and has another default today is given: the saved device
 * has the old one.
 */
function usedAgain(deviceClass: ConcreteDeviceClass, id: string, saved: JsonReader): UsedDevice {
  const { options, regions } = blueprintOf(deviceClass);
  const { declarations } = options;
  const asked = saved.member('plugged');
  const given = asked.member('options').entries();
  const changed = saved
    .member('options')
    .entries()
    .filter(
      ([name, { data }]) => Object.hasOwn(declarations, name) && data !== optionAsData(declarations[name]?.default),
    );
  const values = new Map([...changed, ...given]);
  const address = saved.member('place').member('address');
  return {
    device: deviceClass,
    id,
    options: Object.fromEntries([...values].map(([name, one]) => [name, optionFromData(one, declarations[name])])),
    at: asked
      .member('regions')
      .list(MostDevices)
      .flatMap((one) => placement(one, regions)),
    interrupts: Object.fromEntries(asked.member('pins').entries().flatMap(wire)),
    ...(address.data === undefined ? {} : { addr: address.text(8) }),
  };
}

function placement(saved: JsonReader, regions: DeviceBlueprint['regions']): Placement[] {
  const [, name, address, priority] =
    /^(.*) at (0x[0-9a-f]{1,14})(?: with priority (-?\d{1,10}))?$/.exec(saved.text()) ?? [];
  const region = regions.find(({ template }) => template.name === name)?.template;
  // What the class has no more is found when everything is compared.
  if (region === undefined) return [];
  return [{ region, address: Number(address), ...(priority === undefined ? {} : { priority: Number(priority) }) }];
}

function wire([name, saved]: [string, JsonReader]): [string, Wire][] {
  const found = wireOf(saved.text());
  if (found !== undefined) return [[name, found]];
  saved.refuse('only ISA lines and pins of devices can be wired again');
  return [];
}
