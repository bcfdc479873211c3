import type { ConcreteDeviceClass, DeviceBlueprint } from '../device/index.ts';
import type { MachineDefinition } from '../machine/index.ts';
import { BackplaneError } from '../memory/errors.ts';
import { didYouMean } from './suggestion.ts';

export interface KnownDevice {
  readonly deviceClass: ConcreteDeviceClass;
  readonly blueprint: DeviceBlueprint;
}

/** Every machine that comes with the package, in the order of their names. */
export async function knownMachines(): Promise<readonly MachineDefinition[]> {
  const exported = Object.values(await import('../../machines/index.ts')) as unknown[];
  const isMachine = (value: unknown): value is MachineDefinition =>
    typeof value === 'object' && value !== null && 'devices' in value && 'services' in value;
  return exported.filter(isMachine).sort((a, b) => a.name.localeCompare(b.name));
}

/** Every device that comes with the package, in the order of their names. */
export async function knownDevices(): Promise<readonly KnownDevice[]> {
  const exported = Object.values(await import('../../devices/index.ts')) as unknown[];
  const { blueprintOf, Device } = await import('../device/index.ts');
  const isDevice = (value: unknown): value is ConcreteDeviceClass =>
    typeof value === 'function' && value.prototype instanceof Device;
  return exported
    .filter(isDevice)
    .map((deviceClass) => ({ deviceClass, blueprint: blueprintOf(deviceClass) }))
    .sort((a, b) => a.blueprint.type.localeCompare(b.blueprint.type));
}

export async function machineNamed(name: string): Promise<MachineDefinition> {
  const machines = await knownMachines();
  const found = machines.find((machine) => machine.name === name || machine.aliases?.includes(name));
  if (found) return found;
  const names = machines.flatMap((machine) => [machine.name, ...(machine.aliases ?? [])]);
  throw new BackplaneError(`there is no machine '${name}'. ${didYouMean(name, names, 'backplane -machine help')}`);
}

export async function deviceNamed(type: string): Promise<KnownDevice> {
  const devices = await knownDevices();
  const found = devices.find(({ blueprint }) => blueprint.type === type);
  if (found) return found;
  const names = devices.map(({ blueprint }) => blueprint.type);
  throw new BackplaneError(`there is no device '${type}'. ${didYouMean(type, names, 'backplane -device help')}`);
}
