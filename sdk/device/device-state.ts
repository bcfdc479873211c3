import { BackplaneError } from '../base/errors.ts';
import type { Json } from '../base/json-reader.ts';
import type { Timer, TimerState } from '../clock/index.ts';
import { captureShapes, type FailField, writeFields } from '../state/fields.ts';
import { shape } from '../state/shapes.ts';
import type { Device } from './device.ts';
import { backendState, stateOfDevice } from './parts.ts';
import { type InterruptPin, pinsOf } from './pins/interrupt-pin.ts';
import { saveLocks } from './registers/locks.ts';
import { devicesIn, subDevicesOf } from './sub-devices.ts';
import { timersOf } from './timers.ts';

/** The state of one device as plain data, without what is saved for it and the devices inside it together. */
export type SavedFields = Omit<SavedDevice, 'backends' | 'counters' | 'timers' | 'high'>;

/** The state of one device as plain data, as JSON can hold it. Timers and pins of devices inside it are among its own. */
export interface SavedDevice {
  readonly type: string;
  readonly version: number;
  /** By the names that its class gives them; those of a subsection together under its name. */
  readonly fields: { readonly [name: string]: Json };
  /** Which bits of write-once registers are locked; absent where the class has none. */
  readonly locks?: { readonly [member: string]: Json };
  /** The devices inside it, by their names; absent where there are none. */
  readonly subDevices?: { readonly [name: string]: SavedFields };
  /** What its back ends hold, by the names of its options: bytes that wait. Absent where it has none. */
  readonly backends?: { readonly [option: string]: Json };
  /** The countdowns and counters; absent where the device has none. */
  readonly counters?: { readonly [name: string]: Json };
  /** Deadlines of the timers that are armed, in guest nanoseconds, in the order in which they fire. */
  readonly timers: { readonly [name: string]: Json };
  /** The interrupt pins that are high, without derived ones. */
  readonly high: readonly string[];
}

/** The pins of each device when it was new: what a machine could wire. */
const pinsWhenNew = new WeakMap<Device, ReadonlySet<InterruptPin>>();

const failing =
  (device: Device): FailField =>
  (member, why) =>
    new BackplaneError('unsupported-state', `Class ${device.constructor.name}: @state field '${member}' ${why}.`);

/** A list or a text that became too long since the device was new: a guest filled it. */
const failingToSave =
  (device: Device): FailField =>
  (member, why) => {
    const wasFilled = /^holds (a list of|")/.test(why) && !why.includes('. ');
    const advice = wasFilled ? ' A guest filled it so: a limit is missing where it grows.' : '';
    const field = `@state field '${member}' of class ${device.constructor.name}`;
    return new BackplaneError('unsupported-state', `Device '${device.id}': ${field} ${why}.${advice}`);
  };

/**
 * A device is new now: its fields have the shapes that they have in its snapshots. Called once it was reset; a field that no
 * snapshot could hold is refused then.
 */
export function captureSchema(device: Device): void {
  for (const { device: one } of devicesIn(device)) noteState(one, failing(one));
}

/** Notes the shapes of fields and the pins, if that was not done. */
export function noteState(device: Device, fail?: FailField): void {
  captureShapes(device, stateOfDevice(device), fail);
  if (!pinsWhenNew.has(device)) pinsWhenNew.set(device, new Set(pinsOf(device).values()));
}

/** A pin that appeared later has no wire, and a new device of the class would not have it. */
function refuseLatePins(device: Device): void {
  const known = pinsWhenNew.get(device);
  const late = [...pinsOf(device)].find(([, pin]) => known?.has(pin) === false);
  if (late === undefined) return;
  throw new BackplaneError(
    'late-pin',
    `Class ${device.constructor.name}: pin '${late[0]}' was made while the device ran, so no machine could wire it and no snapshot could ` +
      'bring it back. Make it in the constructor.',
  );
}

/** What the device holds now, for a snapshot or for the device that takes its place. */
export function saveDevice(device: Device): SavedDevice {
  const counters = countersOf(device).map(([name, counter]) => [name, counter.save()]);
  const armed = [...timersOf(device)].filter(([, { pending }]) => pending).sort(([, a], [, b]) => firingOrder(a, b));
  refuseLatePins(device);
  return {
    ...saveFields(device),
    ...saveBackends(device),
    ...(counters.length === 0 ? {} : { counters: Object.fromEntries(counters) }),
    timers: Object.fromEntries(armed.map(([name, { deadline }]) => [name, shape.number.write(deadline + 0) ?? 0])),
    high: [...pinsOf(device)].filter(([, pin]) => pin.level && !pin.isDerived).map(([name]) => name),
  };
}

function saveBackends(device: Device): Pick<SavedDevice, 'backends'> {
  const [owner, declared] = backendState(device);
  if (declared.length === 0) return {};
  return { backends: writeFields(owner, declared, failingToSave(device)) as { readonly [option: string]: Json } };
}

function saveFields(device: Device): SavedFields {
  const { type, version } = device.metadata;
  const locks = saveLocks(device);
  const inside = subDevicesOf(device).map((one) => [one.name, saveFields(one.device)] as const);
  return {
    type,
    version,
    fields: writeFields(device, stateOfDevice(device), failingToSave(device)) as SavedDevice['fields'],
    ...(Object.keys(locks).length === 0 ? {} : { locks }),
    ...(inside.length === 0 ? {} : { subDevices: Object.fromEntries(inside) }),
  };
}

/** Countdowns and counters by name, those of devices inside it too. */
export function countersOf(device: Device): readonly (readonly [name: string, counter: TimerState])[] {
  return [...timersOf(device)].flatMap(([name, { counting }]) => (counting === undefined ? [] : [[name, counting]]));
}

export const firingOrder = (a: Timer, b: Timer): number => a.deadline - b.deadline || a.order - b.order;
