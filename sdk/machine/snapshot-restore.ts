import { describeData, type GuestImage, type SavedProblem, SavedReader } from '../accelerator/index.ts';
import type { Timer } from '../clock/index.ts';
import {
  DeviceLoading,
  type Json,
  readFields,
  type StateDifference,
  StateError,
  StateLoading,
  stateOf,
} from '../device/index.ts';
import type { Machine } from './machine.ts';
import type { PluggedDevice } from './machine-parts.ts';
import { describeDevice, optionsAsData, SnapshotSchema, statefulServices } from './snapshot.ts';
import { loadMemory } from './snapshot-memory.ts';

const MostDevices = 4096;
const MostTimers = 100_000;

/** What a machine must be asked for so that a snapshot fits it. */
export interface SnapshotRequest {
  readonly ram: number;
  readonly options: Readonly<Record<string, unknown>>;
}

/** The beginning of a snapshot: enough to build the machine. Refuses what is no snapshot, or one of another machine. */
export function readRequest(snapshot: unknown, name: string): SnapshotRequest {
  const reader = new SavedReader(snapshot, '', []);
  const schema = reader.member('schema').data;
  const refuse = (path: string, problem: string) => new StateError(refusal(name), [{ path, problem }]);
  if (typeof schema !== 'string' || !schema.startsWith('backplane-snapshot/'))
    throw refuse('', 'this is no snapshot of a machine');
  if (schema !== SnapshotSchema) throw refuse('schema', `is ${describeData(schema)}, and this is ${SnapshotSchema}`);
  const machine = reader.member('machine').only('name', 'ram', 'options');
  const found = machine.member('name').text();
  if (found !== name) machine.member('name').refuse(`expected '${name}', found ${describeData(found)}`);
  const ram = machine.member('ram').integer(0, 2 ** 40);
  const options = Object.fromEntries(
    machine
      .member('options')
      .entries()
      .map(([option, { data }]) => [option, data]),
  );
  if (reader.problems.length > 0) throw new StateError(refusal(name), reader.problems);
  return { ram, options };
}

/**
 * Puts a snapshot into a machine that was just built. Everything is read and checked before anything is put in its place;
 * the caller throws the machine away if this throws.
 */
export function restoreMachine(machine: Machine, snapshot: unknown, guests: readonly GuestImage[]): void {
  new Restoration(machine, snapshot).run(guests);
}

class Restoration {
  private readonly problems: SavedProblem[] = [];
  private readonly ofDevices: StateDifference[] = [];
  private readonly reader: SavedReader;
  private readonly devices = new Map<PluggedDevice, DeviceLoading>();
  private readonly services: { readonly loading: StateLoading; readonly service: object }[] = [];

  constructor(
    private readonly machine: Machine,
    snapshot: unknown,
  ) {
    this.reader = new SavedReader(snapshot, '', this.problems);
  }

  run(guests: readonly GuestImage[]): void {
    const { reader, machine } = this;
    reader.only('schema', 'machine', 'clock', 'devices', 'services', 'memory', 'accelerator');
    this.compareMachine();
    this.readDevices();
    this.readServices();
    const now = reader.member('clock').only('now', 'pending').member('now').number(0, Number.MAX_SAFE_INTEGER);
    const timers = this.readTimers(reader.member('clock').member('pending'));
    this.refuseProblems();
    loadMemory(reader.member('memory'), machine.ramBlocks);
    const resume = machine.accelerator.readState(reader.member('accelerator'), guests);
    this.refuseProblems();
    machine.topology.transaction(() => {
      for (const loading of this.devices.values()) loading.apply();
      for (const { loading } of this.services) loading.applyAll();
      machine.clock.set(now);
      for (const [timer, deadline] of timers) timer.arm(deadline);
      resume();
      this.runHooks();
    });
  }

  private compareMachine(): void {
    const saved = this.reader.member('machine');
    const { ramSize, options } = this.machine;
    const ram = saved.member('ram');
    if (ram.data !== ramSize) ram.refuse(`expected ${ramSize} bytes, found ${describeData(ram.data)}`);
    compare(saved.member('options'), optionsAsData(options));
  }

  private readDevices(): void {
    const saved = this.reader.member('devices').list(MostDevices);
    const byId = new Map<unknown, SavedReader>();
    for (const one of saved) {
      one.only('id', 'options', 'place', 'type', 'version', 'fields', 'locks', 'timers', 'high');
      const id = one.member('id').text(256);
      if (byId.has(id)) one.refuse(`is a second device '${id}'`);
      byId.set(id, one);
      if (this.machine.deviceById(id) !== undefined) continue;
      this.ofDevices.push({ device: id, path: '', problem: 'is in the snapshot, and the machine has no such device' });
    }
    for (const plugged of this.machine.devices) {
      const one = byId.get(plugged.id);
      if (one === undefined)
        this.ofDevices.push({ device: plugged.id, path: '', problem: 'is missing from the snapshot' });
      else this.readDevice(plugged, one);
    }
  }

  private readDevice(plugged: PluggedDevice, saved: SavedReader): void {
    const { id, device } = plugged;
    const loading = new DeviceLoading(device, saved.data, id);
    this.devices.set(plugged, loading);
    this.ofDevices.push(...loading.differences);
    if (saved.member('type').data !== device.blueprint.type) return;
    const present = describeDevice(plugged);
    const own: SavedProblem[] = [];
    compare(new SavedReader(saved.member('options').data, 'options', own), present.options);
    compare(new SavedReader(saved.member('place').data, 'place', own), present.place, 'exactly');
    this.ofDevices.push(...own.map((problem) => ({ device: id, ...problem })));
  }

  private readServices(): void {
    const present = statefulServices(this.machine);
    const saved = this.reader.member('services').only(...present.keys());
    for (const [name, service] of present) {
      const loading = new StateLoading(1, undefined);
      loading.inside(`services.${name}`, () => {
        readFields(service, stateOf(service.constructor), (saved.member(name).data ?? null) as Json, loading);
      });
      this.problems.push(...loading.differences);
      this.services.push({ loading, service });
    }
  }

  /** The timers to arm, in the order in which they are to fire: exactly those that the devices say are armed. */
  private readTimers(reader: SavedReader): [Timer, number][] {
    const pending = new Map<string, [Timer, number]>();
    for (const [{ id }, loading] of this.devices) {
      for (const [timer, deadline] of loading.pending) pending.set(JSON.stringify([id, timer.name]), [timer, deadline]);
    }
    const listed = reader.list(MostTimers).map((one) => JSON.stringify(one.data));
    const isSame =
      new Set(listed).size === pending.size &&
      listed.length === pending.size &&
      listed.every((one) => pending.has(one));
    if (!isSame) reader.refuse('does not list the timers that the devices have armed, each once');
    return isSame ? listed.map((one) => pending.get(one) as [Timer, number]) : [];
  }

  /** What the machine consists of first, then those who look at it. */
  private runHooks(): void {
    const { name } = this.machine.definition;
    for (const { loading, service } of this.services) {
      loading.finishAll();
      (service as { onStateLoaded?(version: number): void }).onStateLoaded?.(1);
    }
    for (const [{ id }, loading] of this.devices) {
      try {
        loading.finish();
      } catch (cause) {
        const problem = cause instanceof Error ? cause.message : String(cause);
        throw new StateError(refusal(name), [{ device: id, path: '', problem }]);
      }
    }
  }

  private refuseProblems(): void {
    if (this.problems.length + this.ofDevices.length === 0) return;
    throw new StateError(refusal(this.machine.definition.name), [...this.problems, ...this.ofDevices]);
  }
}

/** Every difference between what a snapshot says and what is there; an option that was added since is none. */
function compare(saved: SavedReader, present: Json, how: 'exactly' | 'what was saved' = 'what was saved'): void {
  if (typeof present !== 'object' || present === null || Array.isArray(present)) {
    if (!isEqual(saved.data, present))
      saved.refuse(`expected ${JSON.stringify(present)}, found ${describeData(saved.data)}`);
    return;
  }
  if (typeof saved.data !== 'object' || saved.data === null) {
    saved.refuse(`expected an object, found ${describeData(saved.data)}`);
    return;
  }
  for (const [name, member] of saved.entries()) {
    const value = (present as { readonly [key: string]: Json })[name];
    if (!Object.hasOwn(present, name) || value === undefined) member.refuse('is in the snapshot, and not here');
    else compare(member, value, how);
  }
  if (how !== 'exactly') return;
  const added = Object.keys(present).filter((name) => saved.member(name).data === undefined);
  for (const name of added) saved.member(name).refuse('is not in the snapshot');
}

function isEqual(saved: unknown, present: Json): boolean {
  if (!Array.isArray(present)) return saved === present;
  return Array.isArray(saved) && saved.length === present.length && present.every((one, index) => saved[index] === one);
}

function refusal(machine: string): string {
  return `This snapshot cannot be restored on machine '${machine}'`;
}
