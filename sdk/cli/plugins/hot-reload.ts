import { statSync } from 'node:fs';
import { BackplaneError, describeThrown } from '../../base/errors.ts';
import { hostNanoseconds, MILLISECOND } from '../../clock/index.ts';
import { type ConcreteDeviceClass, metadataOf } from '../../device/index.ts';
import type { Machine, MachineDefinition } from '../../machine/index.ts';
import type { Terminal } from '../terminal.ts';
import { withPlace } from './failure-place.ts';
import { loadPlugin } from './load.ts';
import { type LoadedPlugin, observeWith } from './plugin.ts';

interface Watched {
  plugin: LoadedPlugin;
  /** The files of the plugin, and those of a later version that was refused: the mistake may be in one of them. */
  files: readonly string[];
  /** The status of the files when they were last read, with or without success. */
  seen: string;
  /** A new status at the last look. The files may still be written. */
  changing: string | undefined;
  endObservers: () => void;
}

/**
 * Replaces the devices of a running machine when the files of their plugins change. A version that cannot be compiled,
 * or does not fit the state of the running device, is reported. The old device then continues.
 */
export class HotReload {
  private readonly watched: readonly Watched[];

  constructor(
    plugins: readonly LoadedPlugin[],
    private readonly machine: Machine,
    private readonly terminal: Pick<Terminal, 'note'>,
  ) {
    this.watched = plugins.map((plugin) => ({
      plugin,
      files: plugin.files,
      seen: lookOf(plugin.files),
      changing: undefined,
      endObservers: observeWith([plugin], machine),
    }));
  }

  /**
   * Reloads plugins whose files have changed, when the files are the same at two looks: a file may still be written.
   * The machine must not run meanwhile. Answers whether a device is another object now.
   */
  async look(): Promise<boolean> {
    let isChanged = false;
    for (const one of this.watched) {
      const now = lookOf(one.files);
      const isSettled = now === one.changing;
      one.changing = now === one.seen ? undefined : now;
      if (isSettled && one.changing !== undefined && (await this.reload(one, now))) isChanged = true;
    }
    return isChanged;
  }

  end(): void {
    for (const { endObservers } of this.watched) endObservers();
  }

  private async reload(one: Watched, look: string): Promise<boolean> {
    const begin = hostNanoseconds();
    const { name } = one.plugin;
    const read = new Set<string>();
    try {
      const next = await loadPlugin(name, (file) => read.add(file));
      if (lookOf(one.files) !== look) return false;
      const swapped = this.swapAll(one.plugin, next);
      this.sayWhatStays(one.plugin, next);
      one.plugin = next;
      this.follow(one, next.files);
      one.endObservers();
      one.endObservers = observeWith([next], this.machine);
      const took = ((hostNanoseconds() - begin) / MILLISECOND).toFixed(0);
      this.terminal.note(`reloaded '${name}' in ${took} ms: ${swapped.join(', ') || 'no device of it is plugged in'}`);
      return swapped.length > 0;
    } catch (failure) {
      this.follow(one, [...new Set([...one.plugin.files, ...read])]);
      const why = withPlace(describeThrown(failure), failure);
      this.terminal.note(`'${name}' was not reloaded, and the old version continues: ${why}`);
      return false;
    }
  }

  private follow(one: Watched, files: readonly string[]): void {
    one.files = files;
    one.seen = lookOf(files);
    one.changing = undefined;
  }

  /** Replaces all devices of the plugin, or none if one of them does not fit. */
  private swapAll(before: LoadedPlugin, next: LoadedPlugin): string[] {
    const replacements = classesOf(next);
    const swaps = new Map<string, ConcreteDeviceClass>();
    for (const [type, deviceClass] of classesOf(before)) {
      const replacement = replacements.get(type);
      for (const { id, device } of this.machine.devices) {
        if (device.constructor !== deviceClass || replacement === deviceClass) continue;
        if (replacement === undefined)
          throw new BackplaneError(
            'replacement-missing',
            `it does not export '${type}' any more, and device '${id}' has that type.`,
          );
        swaps.set(id, replacement);
      }
    }
    if (swaps.size === 0) return [];
    for (const complaint of this.machine.swapAll(swaps)) this.terminal.note(complaint);
    return [...swaps.keys()];
  }

  /** Reports a changed machine definition: it has no effect on a machine that is built. */
  private sayWhatStays(before: LoadedPlugin, next: LoadedPlugin): void {
    const { name } = this.machine.definition;
    const [old, now] = [before, next].map(({ machines }) => machines.find((machine) => machine.name === name));
    if (old === undefined || (now !== undefined && describeMachine(old) === describeMachine(now))) return;
    const what = now === undefined ? 'is gone from it' : 'has changed';
    this.terminal.note(
      `machine '${name}' ${what}: the running machine is not rebuilt. Start it again to apply the change.`,
    );
  }
}

/** The device classes of a plugin by type: exported, or used by one of its machines. */
function classesOf({ devices, machines }: LoadedPlugin): ReadonlyMap<string, ConcreteDeviceClass> {
  const inMachines = machines.flatMap((machine) => machine.devices.map(({ device }) => device));
  const all = [...inMachines, ...devices.map(({ deviceClass }) => deviceClass)];
  return new Map(all.map((deviceClass) => [metadataOf(deviceClass).type, deviceClass]));
}

/** A text that changes when a file is written, replaced, removed or restored. */
function lookOf(files: readonly string[]): string {
  return files
    .map((file) => {
      const status = statSync(file, { throwIfNoEntry: false, bigint: true });
      return status === undefined ? 'gone' : `${status.ino}.${status.size}.${status.mtimeNs}`;
    })
    .join();
}

/** A definition as a text, to compare two versions. Code is compared by its source. */
export function describeMachine({ devices, services, ...rest }: MachineDefinition): string {
  const parts = devices.map(({ device, ...how }) => ({ type: metadataOf(device).type, ...how }));
  try {
    return JSON.stringify({ ...rest, services: services.length, devices: parts }, showMember);
  } catch {
    // A definition with a cycle cannot be compared.
    return '';
  }
}

function showMember(_name: string, value: unknown): unknown {
  if (typeof value === 'function') return value.toString();
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return value;
  // A value that each version creates again is compared by its name.
  if ('base' in value && 'name' in value) return String(value.name);
  if ('description' in value && 'connect' in value) return value.description;
  return value;
}

/** The default limit of a run, which is the accelerator's. */
export const DefaultLimit = 100_000_000;
