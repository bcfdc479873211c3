import { DeviceFailure, describeThrown } from '../base/errors.ts';
import { describeJson, isJsonObject, type Json, type JsonObject, type JsonReader } from '../base/json-reader.ts';
import { runDevice, type Timer } from '../clock/index.ts';
import { LatestTime } from '../clock/time.ts';
import { readFields } from '../state/fields.ts';
import { type StateDifference, StateError, StateLoading } from '../state/restore-plan.ts';
import type { Device } from './device.ts';
import { countersOf, noteState, type SavedDevice, saveDevice } from './device-state.ts';
import { backendState, stateOfDevice } from './parts.ts';
import { type InterruptPin, ownPinsOf, pinsOf } from './pins/interrupt-pin.ts';
import { readLocks } from './registers/locks.ts';
import { devicesIn, joined, subDevicesOf } from './sub-devices.ts';
import { timersOf } from './timers.ts';

interface PendingTimer {
  readonly timer: Timer;
  readonly deadline: number;
}

/** A state that was read and not put into force yet. */
export class DeviceLoading {
  private readonly loading: StateLoading;
  private readonly deadlines = new Map<string, PendingTimer>();
  private readonly high = new Set<InterruptPin>();
  private readonly inside: { readonly name: string; readonly loading: DeviceLoading }[] = [];

  /** Reads all of it and changes nothing. `saved` may be anything. A device inside another one has no timers and pins of its own there. */
  constructor(
    private readonly device: Device,
    saved: unknown,
    private readonly name?: string,
    isInside = false,
  ) {
    const { type, version, minimumVersion, retired } = device.metadata;
    noteState(device);
    const data: JsonObject = isJsonObject(saved) ? saved : {};
    const found = data['version'] ?? null;
    const saidBy = typeof found === 'number' ? found : version;
    this.loading = new StateLoading(saidBy, name, retired, saidBy < minimumVersion ? undefined : version);
    const reader = this.loading.reader(saved);
    const refuse = (problem: string) => reader.refuse(problem);
    if (!isJsonObject(saved)) refuse(`expected the state of a ${type}, found ${describeJson(saved)}`);
    else if (data['type'] !== type)
      refuse(`expected the state of a ${type}, found that of ${describeJson(data['type'])}`);
    else {
      if (!Number.isInteger(found) || (found as number) < 1) refuse(`expected a version, found ${describeJson(found)}`);
      else if ((found as number) > version) this.loading.refuseNewer();
      else if ((found as number) < minimumVersion) {
        refuse(`is of version ${found}, and ${minimumVersion} is the oldest that can be restored`);
      }
      readFields(device, stateOfDevice(device), this.loading.reader(data['fields'] ?? null), this.loading, retired);
      readLocks(device, reader.member('locks'), this.loading);
      this.readInside(reader.member('subDevices'));
      if (isInside) return;
      this.readBackends(reader.member('backends'));
      this.readCounters(reader.member('counters'));
      this.readTimers(this.loading.reader(data['timers'] ?? null, 'timers'));
      this.readPins(this.loading.reader(data['high'] ?? null, 'high'));
    }
  }

  get differences(): readonly StateDifference[] {
    const deeper = this.inside.flatMap(({ name, loading }) =>
      loading.differences.map((one) => (one.device === undefined ? { ...one, path: joined(name, one.path) } : one)),
    );
    return [...this.loading.differences, ...deeper];
  }

  /** Puts values and pins in their places, without a call of a sink, and cancels all timers. */
  apply(): void {
    for (const { loading } of this.all) loading.applyAll();
    for (const pin of pinsOf(this.device).values()) if (!pin.isDerived) pin.restore(this.high.has(pin));
    for (const timer of timersOf(this.device).values()) timer.cancel();
  }

  /** Derived pins take the levels that follow from the state around them, without a call of a sink. */
  restoreDerived(): void {
    for (const pin of derivedPins(this.device)) pin.restore(false);
  }

  /** The timers to arm by their names, in the order in which the snapshot lists them. */
  get pending(): ReadonlyMap<string, PendingTimer> {
    return this.deadlines;
  }

  armTimers(): void {
    for (const { timer, deadline } of this.deadlines.values()) timer.arm(deadline);
  }

  /**
   * Runs the hooks of helpers and of the device, those of devices inside it first, and refuses contradictions. A snapshot of this
   * version is checked before the device's hook too. A hook may convert an older one first.
   */
  finish(): void {
    const { all } = this;
    runDevice(() => {
      for (const { loading } of all) loading.finishAll();
    });
    if (all.every(({ device, loading }) => loading.version === device.metadata.version))
      refuseContradictions(this.device);
    for (const { device, loading } of all) runDevice(() => device.onStateLoaded(loading.version));
    // A hook may have converted an older state.
    for (const pin of derivedPins(this.device)) pin.evaluate();
    refuseContradictions(this.device);
  }

  /** A back end that came with a newer version of the class holds nothing yet. */
  private readBackends(saved: JsonReader): void {
    const [owner, declared] = backendState(this.device);
    if (saved.data === undefined && declared.length === 0) return;
    const isOlder = this.loading.version < this.device.metadata.version;
    const known = declared.filter(({ name }) => !isOlder || saved.member(name).data !== undefined);
    if (saved.data !== undefined || known.length > 0) readFields(owner, known, saved, this.loading);
  }

  /** A counter that the snapshot does not name is as in a fresh device, if the class was older then. */
  private readCounters(saved: JsonReader): void {
    const counters = new Map(countersOf(this.device));
    if (saved.data !== undefined && !isJsonObject(saved.data))
      saved.refuse(`expected counters by name, found ${describeJson(saved.data)}`);
    for (const [name, member] of saved.entries()) {
      if (counters.has(name) || isRetired(this.device, name)) continue;
      member.refuse('is in the snapshot, and the device has no such counter', { what: 'dropped', name });
    }
    for (const [name, counter] of counters) {
      const member = saved.member(name);
      if (isJsonObject(member.data)) this.loading.onValidated(counter.read(member));
      else if (member.data !== undefined) member.refuse(`expected a counter, found ${describeJson(member.data)}`);
      else if (this.loading.version === this.device.metadata.version)
        member.refuse(
          `is missing from the snapshot. If it came later, say @device({ version: ${this.loading.version + 1} })`,
        );
    }
  }

  /** Those of devices inside it, and its own as the last one. */
  private get all(): readonly { readonly device: Device; readonly loading: StateLoading }[] {
    const { device, loading } = this;
    return [...this.inside.flatMap((one) => one.loading.all), { device, loading }];
  }

  /** A device that came with a newer version of the class around it stays as it is. */
  private readInside(saved: JsonReader): void {
    const { device, name: outer, loading } = this;
    const { version } = device.metadata;
    const nodes = new Map(saved.data === undefined ? [] : saved.entries());
    const parts = subDevicesOf(device);
    for (const { name, device: part } of parts) {
      const node = nodes.get(name);
      if (node === undefined && loading.version < version) continue;
      node?.only('type', 'version', 'fields', 'locks', 'subDevices');
      const id = outer === undefined ? undefined : joined(outer, name);
      this.inside.push({ name, loading: new DeviceLoading(part, node?.data, id, true) });
    }
    for (const [name, node] of nodes) {
      if (parts.some((part) => part.name === name) || isRetired(device, name)) continue;
      node.refuse('is in the snapshot, and the device has no such sub-device', { what: 'dropped', name });
    }
  }

  private readTimers(saved: JsonReader): void {
    const timers = timersOf(this.device);
    if (!isJsonObject(saved.data)) {
      saved.refuse(`expected deadlines by name, found ${describeJson(saved.data)}`);
      return;
    }
    for (const [name, deadline] of saved.entries()) {
      const timer = timers.get(name);
      if (timer === undefined && isRetired(this.device, name)) continue;
      if (timer === undefined) {
        deadline.refuse('is in the snapshot, and the device has no such timer', { what: 'dropped', name });
      } else if (isDeadline(deadline.data as Json))
        this.deadlines.set(name, { timer, deadline: deadline.data as number });
      else deadline.refuse(`expected a deadline in whole nanoseconds, found ${describeJson(deadline.data)}`);
    }
  }

  private readPins(saved: JsonReader): void {
    const pins = pinsOf(this.device);
    const { data } = saved;
    if (!Array.isArray(data) || data.length > MostPins || new Set(data).size < data.length) {
      saved.refuse(`expected the names of pins, each once, found ${describeJson(data)}`);
      return;
    }
    for (const name of data as readonly unknown[]) {
      const pin = typeof name === 'string' ? pins.get(name) : undefined;
      if (pin !== undefined) this.high.add(pin);
      else if (!isRetired(this.device, String(name))) {
        const problem = `${describeJson(name)} is in the snapshot, and the device has no such pin`;
        saved.refuse(problem, { what: 'dropped', name: String(name) });
      }
    }
  }
}

/** Many more than a device has. */
const MostPins = 4096;

/** Whether a class says so of a field, a timer or a pin, or of the sub-device that had it. */
function isRetired(device: Device, name: string): boolean {
  return devicesIn(device).some((one) =>
    one.device.metadata.retired.some((gone) => `${name}.`.startsWith(`${joined(one.name, gone)}.`)),
  );
}

/** Those of devices inside it first: one of the device may follow from theirs. */
const derivedPins = (device: Device): InterruptPin[] =>
  devicesIn(device)
    .reverse()
    .flatMap((one) => [...ownPinsOf(one.device).values()].filter(({ isDerived }) => isDerived));

function refuseContradictions(device: Device): void {
  const contradictions = contradictionsIn(device);
  if (contradictions.length > 0)
    throw new StateError('state-contradiction', 'The state contradicts itself', contradictions);
}

/** Timers and pins that are not as the rest of the state says, where the device said what that is. */
function contradictionsIn(device: Device): StateDifference[] {
  const timers = [...timersOf(device)].flatMap(([name, { armedWhile, pending }]) => {
    if (armedWhile === undefined || armedWhile() === pending) return [];
    const problem = `is ${pending ? '' : 'not '}armed, and the rest of the state says that it ${pending ? 'is not' : 'is'}`;
    return [{ path: `timers.${name}`, problem }];
  });
  const pins = [...pinsOf(device)].flatMap(([name, { highWhile, level }]) => {
    if (highWhile === undefined || highWhile() === level) return [];
    const [is, should] = level ? ['high', 'low'] : ['low', 'high'];
    return [{ path: 'high', problem: `pin '${name}' is ${is}, and the rest of the state says that it is ${should}` }];
  });
  return [...timers, ...pins];
}

/** What refused a state in a hook, as differences of a device. */
export function refusedBy(cause: unknown, device?: string): readonly StateDifference[] {
  if (cause instanceof StateError) return cause.differences.map((one) => ({ device, ...one }));
  return [{ device, path: '', problem: describeThrown(cause) }];
}

/** In what a saved state and a device differ so that it cannot be loaded; empty if it can. Nothing is changed. */
export function compareDevice(device: Device, saved: unknown): readonly StateDifference[] {
  return new DeviceLoading(device, saved).differences;
}

/**
 * Puts a saved state into a device of the same type, of its own class or a newer one. Either all of it is taken, or a
 * StateError lists the differences. The device is new and not wired yet: pins that are high call no sink.
 */
export function loadDevice(device: Device, saved: unknown): void {
  const loading = new DeviceLoading(device, saved);
  const what = `Device '${device.id}' cannot take this state`;
  if (loading.differences.length > 0) throw new StateError('state-mismatch', what, loading.differences);
  const before = saveDevice(device);
  try {
    put(loading);
  } catch (cause) {
    putBack(device, before);
    const code = cause instanceof StateError ? cause.code : 'state-refused';
    throw new StateError(code, what, refusedBy(cause), new DeviceFailure(what, device, cause));
  }
}

/** The hook that refused may refuse this too; its error is thrown already. */
function putBack(device: Device, before: SavedDevice): void {
  try {
    put(new DeviceLoading(device, before));
  } catch {}
}

function put(loading: DeviceLoading): void {
  loading.apply();
  loading.armTimers();
  loading.restoreDerived();
  loading.finish();
}

function isDeadline(data: Json): boolean {
  return Number.isInteger(data) && (data as number) >= 0 && (data as number) <= LatestTime;
}
