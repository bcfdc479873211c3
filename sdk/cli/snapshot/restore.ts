import { BackplaneError } from '../../base/errors.ts';
import type { Machine, MachineDefinition, RestoreRequest } from '../../machine/index.ts';
import { knownDevices } from '../catalogue.ts';
import type { LoadedPlugin } from '../plugins/plugin.ts';
import { shellWord } from '../text.ts';
import { readSnapshotFile } from './file.ts';
import { checkSnapshotNeeds } from './needs.ts';

/** `-loadvm FILE`: restores the saved machine. Refusals name the file and the options to add. */
export async function restoreFile(
  path: string,
  definition: MachineDefinition,
  request: RestoreRequest,
  plugins: readonly LoadedPlugin[],
): Promise<Machine> {
  const { Machine, NoSuchDevice } = await import('../../machine/index.ts');
  const { StateError } = await import('../../state/index.ts');
  const snapshot = readSnapshotFile(path);
  await checkSnapshotNeeds(path, snapshot, definition, plugins);
  const deviceClasses = (await knownDevices(plugins)).map(({ deviceClass }) => deviceClass);
  try {
    return Machine.restore(definition, snapshot, { ...request, deviceClasses });
  } catch (cause) {
    if (!(cause instanceof StateError)) throw cause;
    const missing = cause.differences
      .filter(({ problem }) => problem.startsWith(NoSuchDevice))
      .map(({ device }) => device);
    const saved = typeof snapshot === 'object' && snapshot !== null ? (snapshot as Saved) : {};
    const advice = optionsFor(saved, missing, cause.differences);
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
