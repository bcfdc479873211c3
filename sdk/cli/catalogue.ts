import type { BackendKind } from '../backend/kinds.ts';
import { BackplaneError } from '../base/errors.ts';
import { didYouMean } from '../base/text.ts';
import type { ConcreteDeviceClass } from '../device/index.ts';
import type { MachineDefinition } from '../machine/index.ts';
import type { KnownDevice, LoadedPlugin } from './plugins/plugin.ts';
import { shellWord } from './text.ts';

/** The machines of the package and of these plugins, sorted by name. */
export async function knownMachines(plugins: readonly LoadedPlugin[] = []): Promise<readonly MachineDefinition[]> {
  const machines = new Set([...(await ownMachines()), ...plugins.flatMap((plugin) => plugin.machines)]);
  return [...machines].sort((a, b) => a.name.localeCompare(b.name));
}

/** The devices of the package and of these plugins, sorted by name. A plugin's device replaces one of the package. */
export async function knownDevices(plugins: readonly LoadedPlugin[] = []): Promise<readonly KnownDevice[]> {
  const added = plugins.flatMap(({ devices }) => devices);
  const own = (await ownDevices()).filter(({ metadata }) => !added.some((one) => one.metadata.type === metadata.type));
  return [...added, ...own].sort((a, b) => a.metadata.type.localeCompare(b.metadata.type));
}

/** The kinds of back ends of the package and of these plugins, sorted by name. A plugin's kind replaces one of the package. */
export async function backendKinds(plugins: readonly LoadedPlugin[] = []): Promise<readonly BackendKind[]> {
  const { nodeBackendKinds } = await import('../backend/node/kinds.ts');
  const added = plugins.flatMap(({ backends }) => backends);
  const own = nodeBackendKinds.filter(({ kind }) => !added.some((one) => one.kind === kind));
  return [...added, ...own].sort((a, b) => a.kind.localeCompare(b.kind));
}

/** Warnings about requested types that a plugin and the package both have. */
export async function sayWhose(types: readonly string[], plugins: readonly LoadedPlugin[]): Promise<string[]> {
  if (plugins.length === 0) return [];
  const own = await ownDevices();
  return [...new Set(types)].flatMap((type) => {
    const ours = own.find(({ metadata }) => metadata.type === type);
    const from = plugins.find(({ devices }) =>
      devices.some(({ metadata, deviceClass }) => metadata.type === type && deviceClass !== ours?.deviceClass),
    );
    if (ours === undefined || from === undefined) return [];
    return [`'${type}' is the one of plugin '${from.name}', not backplane's own. Give it another type to have both.`];
  });
}

/** Warnings about names of a plugin's machines that other machines have too. With `asked` about this name alone. */
export async function sayWhoseAlias(plugins: readonly LoadedPlugin[], asked?: string): Promise<string[]> {
  const warnings: string[] = [];
  for (const machine of new Set(plugins.flatMap(({ machines }) => machines)))
    for (const alias of machine.aliases ?? []) {
      if (asked !== undefined && asked !== alias) continue;
      const { name: owner } = await machineNamed(alias, plugins);
      if (owner === machine.name) continue;
      warnings.push(
        `'${alias}' is machine '${owner}', and machine '${machine.name}' of a plugin has it as an alias. ` +
          `Give '${machine.name}' aliases of its own, or none: aliases: [].`,
      );
    }
  return warnings;
}

/** Looks for names first. An alias of the package stays the package's: a copied machine often keeps the aliases. */
export async function machineNamed(name: string, plugins: readonly LoadedPlugin[] = []): Promise<MachineDefinition> {
  const machines = await knownMachines(plugins);
  const hasAlias = ({ aliases }: MachineDefinition) => aliases?.includes(name) === true;
  const named = machines.find((machine) => machine.name === name);
  const found = named ?? (await ownMachines()).find(hasAlias) ?? machines.find(hasAlias);
  if (found) return found;
  const names = machines.flatMap((machine) => [machine.name, ...(machine.aliases ?? [])]);
  throw new BackplaneError('unknown-machine', `there is no machine '${name}'. ${hint(name, names, 'machine')}`);
}

/** The machine with the service modules of these plugins: a binding of theirs replaces one of the machine. */
export function withServices(machine: MachineDefinition, plugins: readonly LoadedPlugin[]): MachineDefinition {
  const brought = plugins.flatMap((plugin) => plugin.services);
  const services = brought.filter((one) => !machine.services.includes(one));
  return services.length === 0 ? machine : { ...machine, services: [...machine.services, ...services] };
}

export async function deviceNamed(type: string, plugins: readonly LoadedPlugin[] = []): Promise<KnownDevice> {
  const devices = await knownDevices(plugins);
  const found = devices.find(({ metadata }) => metadata.type === type);
  if (found) return found;
  const names = devices.map(({ metadata }) => metadata.type);
  throw new BackplaneError('unknown-device', `there is no device '${type}'. ${hint(type, names, 'device')}`);
}

/** A hint: a similar name, or how to load a file. */
function hint(given: string, names: readonly string[], kind: 'machine' | 'device'): string {
  if (/[/\\]|\.[cm]?[jt]s$/.test(given))
    return `Load the file, and use the name it has there: -plugin ${shellWord(given, 'FILE')} -${kind} NAME.`;
  return didYouMean(given, names, `'backplane -${kind} help' lists them. If a plugin brings it, add -plugin FILE.`);
}

/** The machines of the package. */
export async function ownMachines(): Promise<readonly MachineDefinition[]> {
  const exported = Object.values(await import('../../machines/index.ts')) as unknown[];
  return exported.filter(
    (value): value is MachineDefinition =>
      typeof value === 'object' && value !== null && 'devices' in value && 'services' in value,
  );
}

/** The devices of the package. */
export async function ownDevices(): Promise<readonly KnownDevice[]> {
  const exported = Object.values(await import('../../devices/index.ts')) as unknown[];
  const { metadataOf, Device } = await import('../device/index.ts');
  const isDevice = (value: unknown): value is ConcreteDeviceClass =>
    typeof value === 'function' && value.prototype instanceof Device;
  return exported.filter(isDevice).map((deviceClass) => ({ deviceClass, metadata: metadataOf(deviceClass) }));
}
