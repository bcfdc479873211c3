import { BackplaneError, DeviceFailure, describeThrown, deviceFailure } from '../base/errors.ts';
import { runDevice, type Timer } from '../clock/index.ts';
import { type Device, timersOf } from '../device/index.ts';
import type { RunningMachine } from './definition.ts';
import type { PluggedDevice } from './wiring.ts';

/** Runs code of a device. An error comes out as a DeviceFailure with the device's name, and the original as its cause. */
export function inDevice<T>(id: string, device: Device, what: string, work: () => T): T {
  try {
    return runDevice(work);
  } catch (cause) {
    throw deviceFailure(id, device, what, cause);
  }
}

export function disposedMachine(name: string, method: string): BackplaneError {
  return new BackplaneError(
    'machine-disposed',
    `Machine '${name}': ${method}(): it was disposed, and its memory is freed. Build another one with Machine.create().`,
  );
}

/** Cleans up after a failure, which is reported already: a second one must not hide it. */
export function quietly(takeDown: () => void): void {
  try {
    takeDown();
  } catch {}
}

/** Unrealizes devices, the last one first. A failure does not stop the others; answers all failures. */
export function unrealizeAll(devices: readonly PluggedDevice[]): unknown[] {
  return [...devices].reverse().flatMap(({ id, device }) => {
    try {
      inDevice(id, device, 'onUnrealize()', () => device.unrealize());
      return [];
    } catch (failure) {
      return [failure];
    }
  });
}

/** Runs the `prepare` of the definition. An error comes out with the machine's name. */
export function prepareMachine(machine: RunningMachine): void {
  const { definition } = machine;
  try {
    definition.prepare?.(machine);
  } catch (cause) {
    throw new BackplaneError(
      'prepare-failure',
      `Machine '${definition.name}': prepare() threw: ${describeThrown(cause)}`,
      { cause },
    );
  }
}

/** Names the device whose timer failed; a timer of no device has only its own name. */
export function timerFailure(devices: readonly PluggedDevice[], timer: Timer, cause: unknown): Error {
  if (cause instanceof DeviceFailure) return cause;
  for (const { id, device } of devices) {
    const found = [...timersOf(device)].find(([, one]) => one === timer);
    if (found !== undefined) return deviceFailure(id, device, `timer '${found[0]}'`, cause);
  }
  return new DeviceFailure(`timer '${timer.name}' threw: ${describeThrown(cause)}`, undefined, cause);
}
