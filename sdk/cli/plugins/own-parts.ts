import type { ConcreteDeviceClass } from '../../device/index.ts';
import type { MachineDefinition } from '../../machine/index.ts';
import type { KnownDevice } from '../catalogue.ts';

/** Every machine that the package itself has. */
export async function ownMachines(): Promise<readonly MachineDefinition[]> {
  const exported = Object.values(await import('../../../machines/index.ts')) as unknown[];
  return exported.filter(
    (value): value is MachineDefinition =>
      typeof value === 'object' && value !== null && 'devices' in value && 'services' in value,
  );
}

/** Every device that the package itself has. */
export async function ownDevices(): Promise<readonly KnownDevice[]> {
  const exported = Object.values(await import('../../../devices/index.ts')) as unknown[];
  const { blueprintOf, Device } = await import('../../device/index.ts');
  const isDevice = (value: unknown): value is ConcreteDeviceClass =>
    typeof value === 'function' && value.prototype instanceof Device;
  return exported.filter(isDevice).map((deviceClass) => ({ deviceClass, blueprint: blueprintOf(deviceClass) }));
}
