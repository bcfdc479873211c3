import { ContainerModule } from 'inversify';
import { type BackendKind, isBackendKind } from '../../backend/kinds.ts';
import { BackplaneError, describeThrown } from '../../base/errors.ts';
import { sentence } from '../../base/text.ts';
import { type ConcreteDeviceClass, Device, metadataOf, OptionSet } from '../../device/index.ts';
import { isObserver, type MachineDefinition, type MachineObserver } from '../../machine/index.ts';
import type { KnownDevice } from './plugin.ts';

export interface PluginExports {
  readonly devices: readonly KnownDevice[];
  readonly machines: readonly MachineDefinition[];
  readonly observers: readonly MachineObserver[];
  readonly backends: readonly BackendKind[];
  readonly services: readonly ContainerModule[];
}

/**
 * Sorts the exports of a plugin by kind. Other exports are ignored. A plugin with none of these is refused.
 */
export function sortExports(plugin: string, exported: Readonly<Record<string, unknown>>): PluginExports {
  const values = [...new Set(Object.values(exported).flatMap((value) => (Array.isArray(value) ? value : [value])))];
  const classes = values.filter(isDeviceClass);
  const sorted = {
    devices: classes.filter((one) => !isBaseClass(one, classes)).map((deviceClass) => describe(plugin, deviceClass)),
    machines: values.filter(isMachine),
    observers: values.filter(isObserver),
    backends: values.filter(isBackendKind),
    services: values.filter((value) => value instanceof ContainerModule),
  };
  const { devices, machines, observers, backends, services } = sorted;
  for (const machine of machines) checkMachine(`plugin '${plugin}'`, machine);
  const named = [
    ['devices of the type', devices.map(({ metadata }) => metadata.type)],
    ['machines of the name', machines.map(({ name }) => name)],
    ['kinds of back ends of the name', backends.map(({ kind }) => kind)],
  ] as const;
  for (const [what, names] of named) refuseDuplicates(plugin, what, names);
  if ([devices, machines, observers, backends, services].some(({ length }) => length > 0)) return sorted;
  const names = Object.keys(exported).filter((name) => name !== 'default' || !isNothing(exported[name]));
  throw new BackplaneError(
    'plugin-without-exports',
    `plugin '${plugin}' exports no device, machine, observer, kind of back ends or service module. It exports ${names.join(', ') || 'nothing'}. ` +
      'Export a class with @device, a defineMachine(...), a defineObserver(...), a defineBackend(...) or a ContainerModule.',
  );
}

/** The default export of a file that has no exports. */
function isNothing(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function isDeviceClass(value: unknown): value is ConcreteDeviceClass {
  return typeof value === 'function' && value.prototype instanceof Device;
}

/** The base class of a bus's devices, or of others that the plugin exports. It is abstract and has no @device. */
function isBaseClass(deviceClass: ConcreteDeviceClass, exported: readonly ConcreteDeviceClass[]): boolean {
  const hasSubclass = exported.some(({ prototype }) => prototype instanceof deviceClass);
  return (hasSubclass || Object.hasOwn(deviceClass, 'plugsInto')) && !isDeclared(deviceClass);
}

function isDeclared(deviceClass: ConcreteDeviceClass): boolean {
  try {
    return metadataOf(deviceClass) !== undefined;
  } catch {
    return false;
  }
}

export function isMachine(value: unknown): value is MachineDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { name, devices, services } = value as Record<string, unknown>;
  return typeof name === 'string' && Array.isArray(devices) && Array.isArray(services);
}

function describe(plugin: string, deviceClass: ConcreteDeviceClass): KnownDevice {
  try {
    return { deviceClass, metadata: metadataOf(deviceClass) };
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

const Word = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;

/** Checks the types of a definition at run time: plugins and programs are compiled without type checks. */
export function checkMachine(whose: string, definition: MachineDefinition): void {
  const given = definition as unknown as Readonly<Record<string, unknown>>;
  const { name, aliases = [], description, devices, services, options, prepare, defaultRam } = given;
  const refuse = (what: string, remedy: string) =>
    new BackplaneError(
      'invalid-machine-definition',
      `${whose}: machine '${describeValue(name)}': ${sentence(what)} ${remedy}`.trimEnd(),
    );
  if (!isWord(name)) throw refuse('the name is not valid after -machine', "Use letters, digits, '-', '_' and '.'.");
  if (!Array.isArray(aliases) || !aliases.every(isWord))
    throw refuse(`aliases is ${describeValue(aliases)}`, 'Give a list of names: aliases: [].');
  if (typeof description !== 'string')
    throw refuse(`description is ${describeValue(description)}`, "Describe it in a few words: description: '...'.");
  for (const [index, used] of (devices as readonly unknown[]).entries()) {
    const problem = problemOfDevice(used);
    if (problem === undefined) continue;
    // The message of the class says what to write.
    const isClass = problem.startsWith('cannot be used');
    throw refuse(`devices[${index}] ${problem}`, isClass ? '' : 'Write use(DeviceClass, { ... }).');
  }
  for (const [index, module] of (services as readonly unknown[]).entries()) {
    if (typeof module === 'object' && module !== null && 'load' in module) continue;
    throw refuse(`services[${index}] is ${describeValue(module)}`, 'Write new ContainerModule(({ bind }) => { ... }).');
  }
  if (options !== undefined && !(options instanceof OptionSet))
    throw refuse(`options is ${describeValue(options)}`, 'Write options: defineOptions({ ... }).');
  if (prepare !== undefined && typeof prepare !== 'function')
    throw refuse(`prepare is ${describeValue(prepare)}`, 'Write prepare(machine) { ... }.');
  if (defaultRam !== undefined && typeof defaultRam !== 'number')
    throw refuse(`defaultRam is ${describeValue(defaultRam)}`, 'Give bytes: 16 * MiB.');
}

const isWord = (value: unknown): boolean => typeof value === 'string' && Word.test(value);

function problemOfDevice(used: unknown): string | undefined {
  if (typeof used !== 'object' || used === null) return `is ${describeValue(used)}`;
  const { device } = used as { readonly device?: unknown };
  if (typeof device !== 'function') return `has ${describeValue(device)} for a device class`;
  if (!(device.prototype instanceof Device)) return `has the class ${device.name}, which is not a device`;
  try {
    metadataOf(device as unknown as Parameters<typeof metadataOf>[0]);
    return undefined;
  } catch (failure) {
    return `cannot be used: ${describeThrown(failure)}`;
  }
}

function describeValue(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'function') return `the function ${value.name}`;
  return typeof value === 'object' && value !== null ? 'an object of another kind' : String(value);
}
