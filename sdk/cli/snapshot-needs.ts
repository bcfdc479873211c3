import type { MachineDefinition } from '../machine/index.ts';
import { BackplaneError } from '../memory/errors.ts';
import { knownDevices, knownMachines } from './catalogue.ts';
import type { LoadedPlugin } from './plugins/plugin.ts';

const LongestName = 64;

/**
 * Refuses a snapshot of a machine or a device that nobody here knows, with what to add to the command line. Whatever else is
 * wrong with it, the machine says.
 */
export async function checkSnapshotNeeds(
  path: string,
  snapshot: unknown,
  definition: MachineDefinition,
  plugins: readonly LoadedPlugin[],
): Promise<void> {
  const refuse = (what: string, remedy: string) => new BackplaneError(`-loadvm '${path}': ${what}. ${remedy}`);
  const name = nameAt(member(snapshot, 'machine'), 'name');
  const machines = [definition, ...(await knownMachines(plugins))];
  if (name !== undefined && !machines.some((machine) => machine.name === name)) {
    throw refuse(
      `it was saved on machine '${name}', which neither backplane nor a plugin given here has`,
      `Give the plugin that brings it, or the program that exports it: -plugin FILE -machine ${name}.`,
    );
  }
  const types = new Set((await knownDevices(plugins)).map(({ blueprint }) => blueprint.type));
  const { blueprintOf } = await import('../device/index.ts');
  for (const { device } of definition.devices) types.add(blueprintOf(device).type);
  const devices = member(snapshot, 'devices');
  for (const device of Array.isArray(devices) ? devices : []) {
    const [id, type] = [nameAt(device, 'id'), nameAt(device, 'type')];
    if (id === undefined || type === undefined || types.has(type)) continue;
    throw refuse(
      `it has a device '${id}' of the type '${type}', which neither backplane nor a plugin given here has`,
      `Give the plugin that brings it: -plugin FILE -device ${type}${id === type ? '' : `,id=${id}`}.`,
    );
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** A name, if it can be one: it goes into a message. */
function nameAt(value: unknown, key: string): string | undefined {
  const name = member(value, key);
  return typeof name === 'string' && name.length <= LongestName && /^[\w.][\w.:-]*$/.test(name) ? name : undefined;
}
