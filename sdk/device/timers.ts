import { BackplaneError } from '../base/errors.ts';
import { collectTimers, type Timer } from '../clock/index.ts';
import type { DeviceInstance } from './class-metadata.ts';
import { withSubDevices } from './sub-devices.ts';

/** A device's timers: those from its constructor and those from its last `onRealize`. */
interface DeviceTimers {
  readonly constructed: readonly Timer[];
  realized: readonly Timer[];
}

const timers = new WeakMap<DeviceInstance, DeviceTimers>();

/** Runs the constructor. The timers that it declares are the device's own, and part of its state. */
export function constructTimers<D extends DeviceInstance>(make: () => D): D {
  const { result: device, timers: constructed } = collectTimers(make);
  timers.set(device, { constructed, realized: [] });
  return device;
}

/** Whether the device was made with `constructTimers`. */
export const isConstructed = (device: DeviceInstance): boolean => timers.has(device);

/** Runs `onRealize`, which may declare timers too. */
export function realizeTimers(device: DeviceInstance, realize: () => void): void {
  const collected = collectTimers(realize);
  const own = timers.get(device);
  if (own === undefined) return;
  own.realized = collected.timers;
  checkTimerNames(device);
}

/** Lets the callbacks of its timers be run by `asEvent`. */
export function wrapTimers(device: DeviceInstance, asEvent: (callback: () => void) => () => void): void {
  const own = timers.get(device);
  for (const timer of [...(own?.constructed ?? []), ...(own?.realized ?? [])]) timer.run = asEvent(timer.callback);
}

/** Countdowns and counters are as they were made, but for those that are kept. */
export function resetCounters(device: DeviceInstance): void {
  const own = timers.get(device);
  for (const { counting } of [...(own?.constructed ?? []), ...(own?.realized ?? [])])
    if (counting?.atReset === undefined) counting?.reset();
}

/** The timers of a device by name, with those of devices inside it: `channels[1].tick`. Two devices may use one name. */
export function timersOf(device: DeviceInstance): ReadonlyMap<string, Timer> {
  return withSubDevices(device, ownTimersOf);
}

function ownTimersOf(device: DeviceInstance): ReadonlyMap<string, Timer> {
  const own = timers.get(device);
  if (own === undefined) {
    throw new BackplaneError(
      'device-made-with-new',
      `Device '${device.id}' was made with new, so its timers are not known. Make it with constructDevice(() => new ` +
        `${device.constructor.name}(...)), as machines and test benches do.`,
    );
  }
  return new Map([...own.constructed, ...own.realized].map((timer) => [timer.name, timer]));
}

/** No two timers of a device have one name. */
export function checkTimerNames(device: DeviceInstance): void {
  const { constructed, realized } = timers.get(device) as DeviceTimers;
  const names = [...constructed, ...realized].map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new BackplaneError(
    'timer-name-taken',
    `Class ${device.constructor.name} declares two timers named '${twice}', which a snapshot could not tell apart. Rename one.`,
  );
}
