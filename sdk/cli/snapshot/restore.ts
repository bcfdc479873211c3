import { BackplaneError } from '../../base/errors.ts';
import type { Machine, MachineDefinition, RestoreRequest } from '../../machine/index.ts';
import { knownDevices, knownMachines } from '../catalogue.ts';
import type { LoadedPlugin } from '../plugins/plugin.ts';
import { shellWord } from '../text.ts';
import { member, readSnapshotFile } from './file.ts';
import { checkSavedGuest, isOfMachineCode } from './saved-guest.ts';

/** `-loadvm FILE`: restores the saved machine. Refusals name the file and the options to add. What was `read` is not read again. */
export async function restoreFile(
  path: string,
  definition: MachineDefinition,
  request: RestoreRequest,
  plugins: readonly LoadedPlugin[],
  read?: unknown,
): Promise<Machine> {
  const { Machine, NoSuchDevice } = await import('../../machine/index.ts');
  const { StateError } = await import('../../state/restore-plan.ts');
  const { closeBackends } = await import('../../backend/index.ts');
  let snapshot = read;
  try {
    snapshot ??= readSnapshotFile(path);
    checkSavedGuest(path, snapshot, [request.guests ?? []].flat());
    await checkSnapshotNeeds(path, snapshot, definition, plugins);
  } catch (failure) {
    await closeBackends(request.backends ?? []);
    throw failure;
  }
  const deviceClasses = (await knownDevices(plugins)).map(({ deviceClass }) => deviceClass);
  try {
    return Machine.restore(definition, snapshot, { ...request, deviceClasses });
  } catch (cause) {
    if (!(cause instanceof StateError)) throw cause;
    const missing = cause.differences
      .filter(({ problem }) => problem.startsWith(NoSuchDevice))
      .map(({ device }) => device);
    const saved = typeof snapshot === 'object' && snapshot !== null ? (snapshot as Saved) : {};
    const files = isOfMachineCode(snapshot)
      ? '\n  Give -drive and the files beside -bios as they were when it was saved.'
      : '';
    const advice = optionsFor(saved, missing, cause.differences) || files;
    throw new BackplaneError(cause.code, `-loadvm '${path}': ${cause.message}${advice}`, { cause });
  }
}

interface Saved {
  readonly machine?: { readonly name?: unknown };
  readonly devices?: unknown;
}
interface SavedDevice {
  readonly id?: unknown;
  readonly type?: unknown;
  readonly plugged?: unknown;
  readonly place?: { readonly address?: unknown };
}
interface Difference {
  readonly device?: string | undefined;
  readonly path: string;
}

/** The options to add, from the differences between the machine and the snapshot. */
function optionsFor(
  saved: Saved,
  missing: readonly (string | undefined)[],
  differences: readonly Difference[],
): string {
  const name = saved.machine?.name;
  if (typeof name === 'string' && name !== '' && differences.some(({ path }) => path === 'machine.name'))
    return `\n  Write: -machine ${shellWord(name, 'MACHINE')}`;
  const isAboutOptions = ({ device, path }: Difference) =>
    path.startsWith('machine.options') || (device !== undefined && /^(options|place)\b/.test(path));
  const words = devicesOf(saved)
    .filter(
      ({ id, type, plugged }) => plugged === undefined && typeof type === 'string' && missing.includes(String(id)),
    )
    .map(({ id, type, place }) => deviceWords(String(id), String(type), place?.address));
  if (words.length > 0) return `\n  Add to the command line: ${words.join(' ')}`;
  if (differences.some(({ path }) => path === 'machine.ram'))
    return '\n  Leave out -m: the machine has as much as was saved.';
  return differences.some(isAboutOptions)
    ? '\n  Give -machine, -device and -global as they were when it was saved.'
    : '';
}

/** The devices that are objects: a refused snapshot may hold anything. */
function devicesOf({ devices }: Saved): readonly SavedDevice[] {
  if (!Array.isArray(devices)) return [];
  return devices.filter((one: unknown): one is SavedDevice => typeof one === 'object' && one !== null);
}

function deviceWords(id: string, type: string, address: unknown): string {
  const at = typeof address === 'string' ? `,addr=${address}` : '';
  return `-device ${shellWord(`${type}${id === type ? '' : `,id=${id}`}${at}`, 'DEVICE')}`;
}

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
  const types = new Set((await knownDevices(plugins)).map(({ metadata }) => metadata.type));
  const { metadataOf } = await import('../../device/index.ts');
  for (const { device } of machine.devices) types.add(metadataOf(device).type);
  const devices = member(snapshot, 'devices');
  return (Array.isArray(devices) ? devices : []).flatMap((device: unknown) => {
    const [id, type] = [nameAt(device, 'id'), nameAt(device, 'type')];
    return id === undefined || type === undefined || types.has(type) ? [] : [{ id, type }];
  });
}

/** A name that is fit for a message; undefined for other values. */
function nameAt(value: unknown, key: string): string | undefined {
  const name = member(value, key);
  return typeof name === 'string' && name.length <= LongestName && /^[\w.][\w.:-]*$/.test(name) ? name : undefined;
}
