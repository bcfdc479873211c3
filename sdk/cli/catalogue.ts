import type { ConcreteDeviceClass, DeviceBlueprint } from '../device/index.ts';
import type { MachineDefinition } from '../machine/index.ts';
import { BackplaneError } from '../memory/errors.ts';
import type { LoadedPlugin } from './plugins/plugin.ts';
import { didYouMean } from './suggestion.ts';

export interface KnownDevice {
  readonly deviceClass: ConcreteDeviceClass;
  readonly blueprint: DeviceBlueprint;
}

/** Every machine of the package and of these plugins, in the order of their names. A plugin's wins over the package's. */
export async function knownMachines(plugins: readonly LoadedPlugin[] = []): Promise<readonly MachineDefinition[]> {
  const exported = Object.values(await import('../../machines/index.ts')) as unknown[];
  const isMachine = (value: unknown): value is MachineDefinition =>
    typeof value === 'object' && value !== null && 'devices' in value && 'services' in value;
  const added = plugins.flatMap(({ machines }) => machines);
  const own = exported.filter(isMachine).filter(({ name }) => !added.some((machine) => machine.name === name));
  return [...added, ...own].sort((a, b) => a.name.localeCompare(b.name));
}

/** Every device of the package and of these plugins, in the order of their names. A plugin's wins over the package's. */
export async function knownDevices(plugins: readonly LoadedPlugin[] = []): Promise<readonly KnownDevice[]> {
  const exported = Object.values(await import('../../devices/index.ts')) as unknown[];
  const { blueprintOf, Device } = await import('../device/index.ts');
  const isDevice = (value: unknown): value is ConcreteDeviceClass =>
    typeof value === 'function' && value.prototype instanceof Device;
  const added = plugins.flatMap(({ devices }) => devices);
  const own = exported
    .filter(isDevice)
    .map((deviceClass) => ({ deviceClass, blueprint: blueprintOf(deviceClass) }))
    .filter(({ blueprint }) => !added.some((device) => device.blueprint.type === blueprint.type));
  return [...added, ...own].sort((a, b) => a.blueprint.type.localeCompare(b.blueprint.type));
}

export async function machineNamed(name: string, plugins: readonly LoadedPlugin[] = []): Promise<MachineDefinition> {
  const machines = await knownMachines(plugins);
  const named = machines.find((machine) => machine.name === name);
  const found = named ?? machines.find((machine) => machine.aliases?.includes(name));
  if (found) return found;
  const names = machines.flatMap((machine) => [machine.name, ...(machine.aliases ?? [])]);
  throw new BackplaneError(`there is no machine '${name}'. ${hint(name, names, 'machine')}`);
}

export async function deviceNamed(type: string, plugins: readonly LoadedPlugin[] = []): Promise<KnownDevice> {
  const devices = await knownDevices(plugins);
  const found = devices.find(({ blueprint }) => blueprint.type === type);
  if (found) return found;
  const names = devices.map(({ blueprint }) => blueprint.type);
  throw new BackplaneError(`there is no device '${type}'. ${hint(type, names, 'device')}`);
}

/** What was probably meant: a name that exists, or what a file exports. */
function hint(given: string, names: readonly string[], kind: 'machine' | 'device'): string {
  if (/[/\\]|\.[cm]?[jt]s$/.test(given))
    return `Load the file, and use the name it has there: -plugin ${given} -${kind} NAME.`;
  return didYouMean(given, names, `backplane -${kind} help`);
}
