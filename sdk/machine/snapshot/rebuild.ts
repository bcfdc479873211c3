import { describeThrown } from '../../base/errors.ts';
import { describeJson, type JsonProblem, JsonReader } from '../../base/json-reader.ts';
import { type ClassMetadata, type ConcreteDeviceClass, metadataOf } from '../../device/index.ts';
import { type StateDifference, StateError } from '../../state/restore-plan.ts';
import { type MachineDefinition, ramProblem } from '../definition.ts';
import { type WireNames, wireFromData } from '../wires/saved.ts';
import type { Signal, Wire } from '../wires/wire.ts';
import { type Placement, type UsedDevice, WiringError } from '../wiring.ts';
import {
  namesOf,
  optionAsData,
  optionFromData,
  type SnapshotMachine,
  SnapshotSchema,
  snapshotWriters,
} from './save.ts';

/** The request for a machine that fits a snapshot. */
export interface SnapshotRequest {
  readonly ram: number;
  readonly options: Readonly<Record<string, unknown>>;
  /** Those of the definition that the machine had when it was built, by id. */
  readonly savedDevices: ReadonlySet<string>;
}

/** Reads the request for the machine of a snapshot. Refuses other documents, formats and machines. */
export function readRequest(snapshot: unknown, definition: MachineDefinition): SnapshotRequest {
  const { name } = definition;
  const reader = new JsonReader(snapshot, '', []);
  const schema = reader.member('schema').data;
  const refuse = (code: string, path: string, problem: string) =>
    new StateError(code, refusal(name), [{ path, problem }]);
  if (typeof schema !== 'string' || !schema.startsWith('backplane-snapshot/'))
    throw refuse('not-a-snapshot', '', 'this is no snapshot of a machine');
  if (schema !== SnapshotSchema) {
    const writer = Object.hasOwn(snapshotWriters, schema) ? `backplane ${snapshotWriters[schema]}` : undefined;
    throw refuse(
      'snapshot-version',
      'schema',
      `is ${describeJson(schema)}${writer === undefined ? '' : `, written by ${writer}`}. This version reads ${SnapshotSchema}, the format ` +
        `since backplane ${snapshotWriters[SnapshotSchema]}. Restore it with ${writer ?? 'the version that wrote it'}, or run the guest again and save`,
    );
  }
  const machine = reader.member('machine').only('name', 'ram', 'options', 'unplugged');
  const found = machine.member('name').text(Number.POSITIVE_INFINITY);
  if (reader.problems.length > 0) throw new StateError('state-mismatch', refusal(name), reader.problems);
  if (found !== name) {
    // With another machine everything else would differ too.
    const problem = `expected '${name}', found ${describeJson(found)}. Restore it on the machine that was saved`;
    throw refuse('snapshot-of-another-machine', 'machine.name', problem);
  }
  const ram = machine.member('ram').integer(0, 2 ** 40);
  const problem = ramProblem(ram);
  if (problem !== undefined && reader.problems.length === 0)
    machine.member('ram').refuse(`is ${ram} bytes: ${problem}`);
  const options = readOptions(machine.member('options'), definition);
  if (reader.problems.length > 0) throw new StateError('state-mismatch', refusal(name), reader.problems);
  return { ram, options, savedDevices: savedDevices(reader) };
}

/** Whatever is wrong with them is reported later, with the rest of the devices. */
function savedDevices(reader: JsonReader): ReadonlySet<string> {
  const quiet = new JsonReader(reader.data, '', []);
  const saved = quiet.member('devices').list(MostDevices);
  const unplugged = quiet.member('machine').member('unplugged').list(MostDevices);
  return new Set([
    ...saved.filter((one) => one.member('plugged').data === undefined).map((one) => one.member('id').data as string),
    ...unplugged.map(({ data }) => data as string),
  ]);
}

function readOptions(reader: JsonReader, { options: set }: MachineDefinition): Readonly<Record<string, unknown>> {
  reader.only(...(set?.names ?? []));
  const known = reader.entries().filter(([name]) => Object.hasOwn(set?.declarations ?? {}, name));
  return Object.fromEntries(known.map(([name, saved]) => [name, optionFromData(saved, set?.declarations[name])]));
}

export function refusal(machine: string): string {
  return `This snapshot cannot be restored on machine '${machine}'`;
}

const MostDevices = 4096;
/** An id is printed on terminals. */
const Printable = /^[^\p{C}]+$/u;

/** Plugs in and unplugs the devices of a new machine as the saved one did. Answers what failed; the machine is discarded then. */
export function plugAgain(
  machine: SnapshotMachine,
  snapshot: JsonReader,
  classes: readonly ConcreteDeviceClass[],
): readonly StateDifference[] {
  return [...takeOut(machine, snapshot.member('machine').member('unplugged')), ...plugIn(machine, snapshot, classes)];
}

function takeOut(machine: SnapshotMachine, unplugged: JsonReader): StateDifference[] {
  if (unplugged.data === undefined) return [];
  return unplugged.list(MostDevices).flatMap((one) => {
    const id = one.text(256);
    if (machine.deviceById(id) === undefined) return [];
    return attempt(() => machine.unplug(id), { path: one.path }, 'cannot be taken out again');
  });
}

function plugIn(
  machine: SnapshotMachine,
  snapshot: JsonReader,
  classes: readonly ConcreteDeviceClass[],
): StateDifference[] {
  const known = [...classes, ...machine.definition.devices.map((used) => used.device)];
  return snapshot
    .member('devices')
    .list(MostDevices)
    .filter((saved) => saved.member('plugged').data !== undefined)
    .flatMap((saved) => {
      saved.member('plugged').only('options', 'regions', 'pins', 'inputs');
      const id = saved.member('id').text(256);
      if (!Printable.test(id)) {
        return [{ path: saved.member('id').path, problem: `${JSON.stringify(id)} cannot be the id of a device` }];
      }
      if (machine.deviceById(id) !== undefined) return [];
      const type = saved.member('type').text(256);
      const deviceClass = known.find((one) => metadataOf(one).type === type);
      if (deviceClass === undefined) {
        const problem =
          `was plugged in while the machine ran, and no class of type '${type}' is known here. Give it: ` +
          'Machine.restore(..., { deviceClasses: [...] }), or -plugin FILE';
        return [{ device: id, path: '', problem }];
      }
      const problems: JsonProblem[] = [];
      const used = usedAgain(deviceClass, id, new JsonReader(saved.data, '', problems), namesOf(machine));
      if (problems.length > 0) return problems.map((one) => ({ device: id, ...one }));
      return attempt(() => machine.plug(used), { device: id, path: '' }, 'cannot be plugged in again');
    });
}

function attempt(work: () => unknown, where: Omit<StateDifference, 'problem'>, what: string): StateDifference[] {
  try {
    work();
    return [];
  } catch (error) {
    const why =
      error instanceof WiringError ? error.problems.map(({ message }) => message).join(' ') : describeThrown(error);
    return [{ ...where, problem: `${what}: ${why}` }];
  }
}

/** The wiring of a saved device. An option that was not given, and has another default today, is given: the device had the old one. */
function usedAgain(deviceClass: ConcreteDeviceClass, id: string, saved: JsonReader, names: WireNames): UsedDevice {
  const { options, regions } = metadataOf(deviceClass);
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
  const [bus, address] = [saved.member('place').member('bus'), saved.member('place').member('address')];
  return {
    device: deviceClass,
    id,
    options: Object.fromEntries([...values].map(([name, one]) => [name, optionFromData(one, declarations[name])])),
    at: asked
      .member('regions')
      .list(MostDevices)
      .flatMap((one) => placement(one, regions)),
    interrupts: Object.fromEntries(
      asked
        .member('pins')
        .entries()
        .flatMap((one) => wires(one, names)),
    ),
    inputs: Object.fromEntries(
      asked
        .member('inputs')
        .entries()
        .flatMap((one) => signal(one, names)),
    ),
    ...(bus.data === undefined ? {} : { bus: bus.text(512) }),
    ...(address.data === undefined ? {} : { addr: address.text(64) }),
  };
}

function placement(saved: JsonReader, regions: ClassMetadata['regions']): Placement[] {
  const [, name, address, priority] =
    /^(.*) at (0x[0-9a-f]{1,14})(?: with priority (-?\d{1,10}))?$/.exec(saved.text()) ?? [];
  const region = regions.find(({ template }) => template.name === name)?.template;
  // A region that the class no longer has is reported by the comparison.
  if (region === undefined) return [];
  return [{ region, address: Number(address), ...(priority === undefined ? {} : { priority: Number(priority) }) }];
}

/** One wire, or a list of them. */
function wires([name, saved]: [string, JsonReader], names: WireNames): [string, Wire[]][] {
  const each = Array.isArray(saved.data) ? saved.list(MostDevices) : [saved];
  const found = each.flatMap((one) => wireFromData(one, names) ?? []);
  return found.length === each.length ? [[name, found as Wire[]]] : [];
}

function signal([name, saved]: [string, JsonReader], names: WireNames): [string, Signal][] {
  const found = wireFromData(saved, names);
  return found === undefined ? [] : [[name, found]];
}
