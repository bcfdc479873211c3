import { BackplaneError, describeThrown } from '../../base/errors.ts';
import { sentence } from '../../base/text.ts';
import { blueprintOf, Device, OptionSet } from '../../device/index.ts';
import type { MachineDefinition } from '../../machine/index.ts';

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
    blueprintOf(device as unknown as Parameters<typeof blueprintOf>[0]);
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
