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

/**
 * Sorts the exports of a plugin by kind. Other exports are ignored. A plugin without any of the three kinds is refused.
 */
export function sortExports(plugin: string, exported: Readonly<Record<string, unknown>>): PluginExports {
  const values = [...new Set(Object.values(exported).flatMap((value) => (Array.isArray(value) ? value : [value])))];
  const sorted = {
    devices: values.filter(isDeviceClass).map((deviceClass) => describe(plugin, deviceClass)),
    machines: values.filter(isMachine),
    observers: values.filter(isObserver),
  };
  const { devices, machines, observers } = sorted;
  for (const machine of machines) checkMachine(`plugin '${plugin}'`, machine);
  refuseDuplicates(
    plugin,
    'devices of the type',
    devices.map(({ blueprint }) => blueprint.type),
  );
  refuseDuplicates(
    plugin,
    'machines of the name',
    machines.map(({ name }) => name),
  );
  if (devices.length + machines.length + observers.length > 0) return sorted;
  const names = Object.keys(exported).filter((name) => name !== 'default' || !isNothing(exported[name]));
  throw new BackplaneError(
    'plugin-without-exports',
    `plugin '${plugin}' exports no device, machine or observer. It exports ${names.join(', ') || 'nothing'}. ` +
      'Export a class with @device, a defineMachine(...) or a defineObserver(...).',
  );
}

/** The default export of a file that has no exports. */
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
    throw new BackplaneError('plugin-load-failed', `plugin '${plugin}': ${describeThrown(cause)}`, {
      cause,
    });
  }
}

function refuseDuplicates(plugin: string, what: string, names: readonly string[]): void {
  const duplicate = names.find((name, index) => names.indexOf(name) !== index);
  if (duplicate !== undefined)
    throw new BackplaneError(
      'duplicate-name',
      `plugin '${plugin}' exports two ${what} '${duplicate}'. Rename one of them.`,
    );
}
