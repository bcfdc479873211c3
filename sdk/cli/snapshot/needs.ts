import { BackplaneError } from '../../base/errors.ts';
import type { MachineDefinition } from '../../machine/index.ts';
import { knownDevices, knownMachines } from '../catalogue.ts';
import type { LoadedPlugin } from '../plugins/plugin.ts';

const LongestName = 64;

/**
 * Refuses a snapshot of an unknown machine or device, and names the options to add to the command line.
 * `Machine.restore` reports every other mistake.
 */
export async function checkSnapshotNeeds(
  path: string,
  snapshot: unknown,
  definition: MachineDefinition,
  plugins: readonly LoadedPlugin[],
): Promise<void> {
  const refusal = (code: string, what: string, remedy: string) =>
    new BackplaneError(code, `-loadvm '${path}': ${what}. ${remedy}`);
  const missing = 'which neither backplane nor a plugin given here has';
  const name = nameAt(member(snapshot, 'machine'), 'name');
  const machine = [definition, ...(await knownMachines(plugins))].find((one) => one.name === name);
  const unknown = await unknownDevices(snapshot, machine ?? definition, plugins);
  const [first] = unknown;
  if (name !== undefined && machine === undefined) {
    const types = [...new Set(unknown.map(({ type }) => `'${type}'`))];
    const also =
      types.length === 0 ? '' : `Its devices of the type ${types.join(', ')} come with it, or with -device. `;
    throw refusal(
      'unknown-machine',
      `it was saved on machine '${name}', ${missing}`,
      `${also}Give the plugin that brings it, or the program that exports it: -plugin FILE -machine ${name}.`,
    );
  }
  if (first === undefined) return;
  const words = unknown.map(({ id, type }) => ` -device ${type}${id === type ? '' : `,id=${id}`}`).join('');
  const chosen = machine === undefined || machine.name === definition.name ? '' : ` -machine ${machine.name}`;
  throw refusal(
    'unknown-device',
    `it has a device '${first.id}' of the type '${first.type}', ${missing}`,
    `Give the plugin that brings it: -plugin FILE${chosen}${words}.`,
  );
}

/** The devices of the snapshot with unknown types. The types of the saved machine are known. */
async function unknownDevices(snapshot: unknown, machine: MachineDefinition, plugins: readonly LoadedPlugin[]) {
  const types = new Set((await knownDevices(plugins)).map(({ blueprint }) => blueprint.type));
  const { blueprintOf } = await import('../../device/index.ts');
  for (const { device } of machine.devices) types.add(blueprintOf(device).type);
  const devices = member(snapshot, 'devices');
  return (Array.isArray(devices) ? devices : []).flatMap((device: unknown) => {
    const [id, type] = [nameAt(device, 'id'), nameAt(device, 'type')];
    return id === undefined || type === undefined || types.has(type) ? [] : [{ id, type }];
  });
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** A name that is fit for a message; undefined for other values. */
function nameAt(value: unknown, key: string): string | undefined {
  const name = member(value, key);
  return typeof name === 'string' && name.length <= LongestName && /^[\w.][\w.:-]*$/.test(name) ? name : undefined;
}
