import { PciBus } from '../bus/index.ts';
import { runDevice, type Timer } from '../clock/index.ts';
import { type Device, timersOf } from '../device/index.ts';
import { BackplaneError, DeviceFailure, describeThrown } from '../memory/index.ts';
import type { Machine } from './machine.ts';
import type { MachineDefinition } from './machine-definition.ts';
import type { PluggedDevice } from './machine-parts.ts';

/** Runs a piece of the code of a device that exists. What it throws comes out with the device's name, and the original as its cause. */
export function inDevice<T>(id: string, device: Device, what: string, work: () => T): T {
  try {
    return runDevice(work);
  } catch (cause) {
    throw deviceFailure(id, device, what, cause);
  }
}

/** Takes down what was made in vain. Why it was is reported already: a second failure on the way out does not hide that. */
export function quietly(takeDown: () => void): void {
  try {
    takeDown();
  } catch {}
}

/** The last one first. One that throws does not keep the others: answers what they threw. */
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

/** Devices first, each in turn; then what their bus resets; then the services that have state. */
export function resetMachine(machine: Machine): void {
  for (const { id, device } of machine.devices) inDevice(id, device, 'reset()', () => device.reset());
  const pci = machine.service(PciBus);
  pci?.reset();
  machine.statefulServices.reset([pci]);
}

/** What the board's maker does once, when everything is plugged in. */
export function prepareMachine(definition: MachineDefinition, machine: Machine): void {
  try {
    definition.prepare?.(machine);
  } catch (cause) {
    throw new BackplaneError(`Machine '${definition.name}': prepare() threw: ${describeThrown(cause)}`, { cause });
  }
}

/** Names the device whose timer failed; a timer of nobody's keeps its own name. */
export function timerFailure(devices: readonly PluggedDevice[], timer: Timer, cause: unknown): Error {
  const owner = devices.find(({ device }) => [...timersOf(device).values()].includes(timer));
  const what = `timer '${timer.name}'`;
  if (owner !== undefined) return deviceFailure(owner.id, owner.device, what, cause);
  return new DeviceFailure(`${what} threw: ${describeThrown(cause)}`, undefined, cause);
}

function deviceFailure(id: string, device: Device, what: string, cause: unknown): DeviceFailure {
  const { type } = device.blueprint;
  const name = type === id ? `'${id}'` : `'${id}' (${type})`;
  return new DeviceFailure(`Device ${name}: ${what} threw: ${describeThrown(cause)}`, device, cause);
}
