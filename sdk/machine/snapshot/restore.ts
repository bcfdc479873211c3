import { DeviceFailure, describeThrown } from '../../base/errors.ts';
import { describeJson, isJsonObject, type Json, type JsonProblem, JsonReader } from '../../base/json-reader.ts';
import type { Timer } from '../../clock/index.ts';
import { LatestSecond } from '../../clock/time.ts';
import { DeviceLoading, refusedBy } from '../../device/index.ts';
import { type StateDifference, StateError } from '../../state/restore-plan.ts';
import type { RestoreRequest } from '../definition.ts';
import { restoreLiveOptions } from '../live-options.ts';
import { arrangeMap, completeOrder } from '../map-order.ts';
import { finishService, type ServiceLoading } from '../services.ts';
import type { PluggedDevice } from '../wiring.ts';
import { loadMemory } from './memory.ts';
import { plugAgain, refusal } from './rebuild.ts';
import { describeDevice, optionsAsData, type SnapshotMachine } from './save.ts';

const MostDevices = 4096;
const MostTimers = 100_000;
const MostRegions = 65_536;

/** What a snapshot says of each device. */
const wordsOfDevice = [
  ...['id', 'plugged', 'options', 'place', 'type', 'version', 'fields', 'locks', 'subDevices'],
  ...['backends', 'counters', 'timers', 'high'],
];

/** The beginning of the difference for a device that the machine does not have. */
export const NoSuchDevice = 'is in the snapshot, and the machine has no such device';

/** Restores a snapshot on a new machine. Everything is read and checked first. The caller discards the machine if this throws. */
export function restoreMachine(machine: SnapshotMachine, snapshot: unknown, request: RestoreRequest): void {
  new Restoration(machine, snapshot).run(request);
}

class Restoration {
  private readonly problems: JsonProblem[] = [];
  private readonly ofDevices: StateDifference[] = [];
  private readonly reader: JsonReader;
  private readonly devices = new Map<PluggedDevice, DeviceLoading>();
  private readonly services: ServiceLoading[] = [];

  constructor(
    private readonly machine: SnapshotMachine,
    snapshot: unknown,
  ) {
    this.reader = new JsonReader(snapshot, '', this.problems);
  }

  run({ guests = [], deviceClasses = [] }: RestoreRequest): void {
    const { reader, machine } = this;
    reader.only('schema', 'machine', 'clock', 'devices', 'services', 'inbox', 'memory', 'map', 'accelerator');
    this.compareMachine();
    this.ofDevices.push(...plugAgain(machine, reader, deviceClasses));
    this.readDevices();
    this.readServices();
    const receive = machine.backends.read(reader.member('inbox'));
    const now = this.readTime();
    const epoch = this.readEpoch();
    // The timers follow from the devices.
    const timers = this.ofDevices.length > 0 ? [] : this.readTimers(reader.member('clock').member('pending'));
    this.refuseProblems();
    const map = this.readMap(reader.member('map'));
    loadMemory(reader.member('memory'), machine.ramBlocks);
    const resume = machine.accelerator.readState(reader.member('accelerator'), [guests].flat());
    this.refuseProblems();
    machine.topology.transaction(() => {
      for (const loading of this.devices.values()) loading.apply();
      for (const { loading } of this.services) loading.applyAll();
      machine.clock.set(now, epoch);
      for (const [timer, deadline] of timers) timer.arm(deadline);
      resume();
      for (const loading of this.devices.values()) loading.restoreDerived();
      machine.restoreWires();
      this.runHooks();
      this.arrange(map);
    });
    receive();
  }

  /** Devices and processors have one time, and no timer is late: saving has settled the machine. */
  private readTime(): number {
    const { reader } = this;
    const saved = reader.member('clock').only('epoch', 'now', 'pending').member('now');
    const now = saved.integer(0);
    const guestTime = reader.member('accelerator').member('guestTime');
    if (now === saved.data && guestTime.data !== undefined && guestTime.data !== now)
      guestTime.refuse(`expected ${now}, as 'clock.now' is, found ${describeJson(guestTime.data)}`);
    for (const [{ id }, { pending }] of this.devices) {
      for (const [name, { deadline }] of pending) {
        if (deadline >= now) continue;
        const problem = `expected a deadline that is not before 'clock.now', ${now}, found ${deadline}`;
        this.ofDevices.push({ device: id, path: `timers.${name}`, problem });
      }
    }
    return now;
  }

  private readEpoch(): bigint {
    const saved = this.reader.member('clock').member('epoch');
    const { data } = saved;
    const epoch = typeof data === 'string' && /^\d{1,18}$/.test(data) ? BigInt(data) : undefined;
    if (epoch !== undefined && epoch <= LatestSecond) return epoch;
    const most = epoch === undefined ? '' : `, at most ${LatestSecond}, up to which they are exact`;
    saved.refuse(`expected whole seconds in decimal, as a text${most}, found ${describeJson(data)}`);
    return 0n;
  }

  private compareMachine(): void {
    const saved = this.reader.member('machine');
    const { ramSize, options } = this.machine;
    const ram = saved.member('ram');
    if (ram.data !== ramSize) ram.refuse(`expected ${ramSize} bytes, found ${describeJson(ram.data)}`);
    compare(saved.member('options'), optionsAsData(options));
  }

  private readDevices(): void {
    const saved = this.reader.member('devices').list(MostDevices);
    const byId = new Map<unknown, JsonReader>();
    for (const one of saved) {
      one.only(...wordsOfDevice);
      const id = one.member('id').text(256);
      if (byId.has(id)) one.refuse(`is a second device '${id}'`);
      byId.set(id, one);
      if (this.machine.deviceById(id) !== undefined || one.member('plugged').data !== undefined) continue;
      const what = describeJson(one.member('type').data);
      const problem = `${NoSuchDevice}. Build it with that ${what}, as when it was saved`;
      this.ofDevices.push({ device: id, path: '', problem });
    }
    for (const plugged of this.machine.devices) {
      const one = byId.get(plugged.id);
      if (one === undefined) {
        const problem = 'is not in the snapshot. Build the machine without it, as when it was saved';
        this.ofDevices.push({ device: plugged.id, path: '', problem });
      } else this.readDevice(plugged, one);
    }
  }

  private readDevice(plugged: PluggedDevice, saved: JsonReader): void {
    const { id, device } = plugged;
    const loading = new DeviceLoading(device, saved.data, id);
    this.devices.set(plugged, loading);
    this.ofDevices.push(...loading.differences);
    if (saved.member('type').data !== device.metadata.type) return;
    restoreLiveOptions(plugged, new JsonReader(saved.member('options').data, '', []));
    const present = describeDevice(plugged);
    const own: JsonProblem[] = [];
    compare(new JsonReader(saved.member('options').data, 'options', own), present.options);
    compare(new JsonReader(saved.member('place').data, 'place', own), present.place, 'exactly');
    this.ofDevices.push(...own.map((problem) => ({ device: id, ...problem })));
  }

  private readServices(): void {
    const { machine, reader } = this;
    const { data } = reader.member('services');
    // A service keeps its state when its only device was unplugged.
    if (typeof data === 'object' && data !== null)
      for (const name of Object.keys(data)) machine.statefulServices.make(name);
    const saved = reader.member('services').only(...machine.statefulServices.byName.keys());
    this.services.push(...machine.statefulServices.read((name) => saved.member(name).data));
    this.problems.push(...this.services.flatMap(({ loading }) => loading.differences));
  }

  private readMap(saved: JsonReader): ReadonlyMap<string, readonly string[]> {
    return new Map(saved.entries().map(([key, names]) => [key, names.list(MostRegions).map((one) => one.text(1024))]));
  }

  /** Restores the order of regions, which the devices have mapped again. */
  private arrange(map: ReadonlyMap<string, readonly string[]>): void {
    const { topology, mapWhenBuilt, definition } = this.machine;
    try {
      arrangeMap(topology, completeOrder(map, topology, mapWhenBuilt));
    } catch (cause) {
      throw new StateError(
        'state-mismatch',
        refusal(definition.name),
        [{ path: 'map', problem: describeThrown(cause) }],
        cause,
      );
    }
  }

  /** The timers to arm, in the order of firing: exactly those that the devices have armed. */
  private readTimers(reader: JsonReader): [Timer, number][] {
    const pending = new Map<string, [Timer, number]>();
    for (const [{ id }, loading] of this.devices) {
      for (const [name, { timer, deadline }] of loading.pending)
        pending.set(JSON.stringify([id, name]), [timer, deadline]);
    }
    const listed = reader
      .list(MostTimers)
      .map(({ data }) => (Array.isArray(data) ? JSON.stringify(data.slice(0, 3)) : ''));
    const isSame =
      new Set(listed).size === pending.size &&
      listed.length === pending.size &&
      listed.every((one) => pending.has(one));
    if (!isSame) reader.refuse('does not list the timers that the devices have armed, each once');
    const timers = isSame ? listed.map((one) => pending.get(one) as [Timer, number]) : [];
    if (timers.some(([, deadline], index) => deadline < (timers[index - 1]?.[1] ?? 0)))
      reader.refuse('does not list the timers in the order in which they fire');
    return timers;
  }

  /** Services first, then the devices that use them. */
  private runHooks(): void {
    const { name } = this.machine.definition;
    for (const service of this.services) finishService(service);
    this.machine.restoreWires();
    for (const [{ id, device }, loading] of this.devices) {
      try {
        loading.finish();
      } catch (cause) {
        throw new StateError(
          'state-refused',
          refusal(name),
          refusedBy(cause, id),
          new DeviceFailure(refusal(name), device, cause),
        );
      }
    }
  }

  private refuseProblems(): void {
    if (this.problems.length + this.ofDevices.length === 0) return;
    const ofMachine = this.problems.filter(({ path }) => path.startsWith('machine'));
    const others = this.problems.filter((one) => !ofMachine.includes(one));
    throw new StateError('state-mismatch', refusal(this.machine.definition.name), [
      ...ofMachine,
      ...this.ofDevices,
      ...others,
    ]);
  }
}

/** Refuses each difference between a snapshot and the machine; an option that was added since is none. */
export function compare(saved: JsonReader, present: Json, how: 'exactly' | 'what was saved' = 'what was saved'): void {
  if (!isJsonObject(present)) {
    if (!isEqual(saved.data, present)) saved.refuse(`expected ${show(present)}, found ${show(saved.data)}`);
    return;
  }
  if (!isJsonObject(saved.data)) {
    saved.refuse(`expected an object, found ${describeJson(saved.data)}`);
    return;
  }
  for (const [name, member] of saved.entries()) {
    const value = present[name];
    if (!Object.hasOwn(present, name) || value === undefined)
      member.refuse(`is in the ${saved.document}, and not here`);
    else compare(member, value, how);
  }
  if (how !== 'exactly') return;
  const added = Object.keys(present).filter((name) => saved.member(name).data === undefined);
  for (const name of added) saved.member(name).refuse(`is not in the ${saved.document}`);
}

/** Short lists are shown whole, because the difference is inside. */
function show(data: unknown): string {
  const isShort = Array.isArray(data) && data.length <= 8 && data.every((one) => typeof one === 'string');
  return isShort ? JSON.stringify(data).slice(0, 200) : describeJson(data);
}

function isEqual(saved: unknown, present: Json): boolean {
  if (!Array.isArray(present)) return saved === present;
  return Array.isArray(saved) && saved.length === present.length && present.every((one, index) => saved[index] === one);
}
