import { BackplaneError, describeThrown } from '../../base/errors.ts';
import { blueprintOf, type ConcreteDeviceClass, Device } from '../../device/index.ts';
import { isObserver, type MachineDefinition, type MachineObserver } from '../../machine/index.ts';
import { checkMachine } from './check-machine.ts';
import type { KnownDevice } from './plugin.ts';

export interface PluginExports {
  readonly devices: readonly KnownDevice[];
  readonly machines: readonly MachineDefinition[];
  readonly observers: readonly MachineObserver[];
}

/** Sorts what a plugin exports by what it is. Helpers may stand among it; nothing at all is a mistake. */
export function sortExports(plugin: string, exported: Readonly<Record<string, unknown>>): PluginExports {
  const values = [...new Set(Object.values(exported).flatMap((value) => (Array.isArray(value) ? value : [value])))];
  const sorted = {
    devices: values.filter(isDeviceClass).map((deviceClass) => describe(plugin, deviceClass)),
    machines: values.filter(isMachine),
    observers: values.filter(isObserver),
  };
  const { devices, machines, observers } = sorted;
  for (const machine of machines) checkMachine(`plugin '${plugin}'`, machine);
  refuseTwins(
    plugin,
    'devices of the type',
    devices.map(({ blueprint }) => blueprint.type),
  );
  refuseTwins(
    plugin,
    'machines of the name',
    machines.map(({ name }) => name),
  );
  if (devices.length + machines.length + observers.length > 0) return sorted;
  const names = Object.keys(exported).filter((name) => name !== 'default' || !isNothing(exported[name]));
  throw new BackplaneError(
    `plugin '${plugin}' exports no device, machine or observer. It exports ${names.join(', ') || 'nothing'}. ` +
      'Export a class with @device, a defineMachine(...) or a defineObserver(...).',
  );
}

/** What a file without a single export has as its default. */
function isNothing(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function isDeviceClass(value: unknown): value is ConcreteDeviceClass {
  return typeof value === 'function' && value.prototype instanceof Device;
}

export function isMachine(value: unknown): value is MachineDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { name, devices, services } = value as Record<string, unknown>;
  return typeof name === 'string' && Array.isArray(devices) && Array.isArray(services);
}

function describe(plugin: string, deviceClass: ConcreteDeviceClass): KnownDevice {
  try {
    return { deviceClass, blueprint: blueprintOf(deviceClass) };
  } catch (cause) {
    throw new BackplaneError(`plugin '${plugin}': ${describeThrown(cause)}`, {
      cause,
    });
  }
}

function refuseTwins(plugin: string, what: string, names: readonly string[]): void {
  const twin = names.find((name, index) => names.indexOf(name) !== index);
  if (twin !== undefined)
    throw new BackplaneError(`plugin '${plugin}' exports two ${what} '${twin}'. Rename one of them.`);
}
