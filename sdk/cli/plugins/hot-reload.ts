import { statSync } from 'node:fs';
import { BackplaneError, describeThrown } from '../../base/errors.ts';
import { hostNanoseconds, MILLISECOND } from '../../clock/index.ts';
import { blueprintOf, type ConcreteDeviceClass } from '../../device/index.ts';
import type { Machine, MachineDefinition } from '../../machine/index.ts';
import type { Terminal } from '../terminal.ts';
import { withPlace } from './failure-place.ts';
import { loadPlugin } from './load.ts';
import { type LoadedPlugin, observeWith } from './plugin.ts';

interface Watched {
  plugin: LoadedPlugin;
  /** Those of the plugin, and those that went into a later edition which was refused: the mistake may be in one of them. */
  files: readonly string[];
  /** What the files looked like when they were last read, whether that went well or not. */
  seen: string;
  /** What they looked like at the last look, if that was something new: they may still be being written. */
  changing: string | undefined;
  endObservers: () => void;
}

/**
 * Keeps the devices of a machine as new as the files of their plugins. What cannot be compiled, or does not fit the state of
 * the device that runs, is reported, and what ran goes on.
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
   * Reloads what has changed, once it looks the same at two looks: a file that is still being written is let be. The machine
   * must not be running meanwhile.
   */
  async look(): Promise<void> {
    for (const one of this.watched) {
      const now = lookOf(one.files);
      const isSettled = now === one.changing;
      one.changing = now === one.seen ? undefined : now;
      if (isSettled && one.changing !== undefined) await this.reload(one, now);
    }
  }

  end(): void {
    for (const { endObservers } of this.watched) endObservers();
  }

  private async reload(one: Watched, look: string): Promise<void> {
    const begin = hostNanoseconds();
    const { name } = one.plugin;
    const read = new Set<string>();
    try {
      const next = await loadPlugin(name, (file) => read.add(file));
      if (lookOf(one.files) !== look) return;
      const swapped = this.swapAll(one.plugin, next);
      this.sayWhatStays(one.plugin, next);
      one.plugin = next;
      this.follow(one, next.files);
      one.endObservers();
      one.endObservers = observeWith([next], this.machine);
      const took = ((hostNanoseconds() - begin) / MILLISECOND).toFixed(0);
      this.terminal.note(`reloaded '${name}' in ${took} ms: ${swapped.join(', ') || 'no device of it is plugged in'}`);
    } catch (failure) {
      this.follow(one, [...new Set([...one.plugin.files, ...read])]);
      const why = withPlace(describeThrown(failure), failure);
      this.terminal.note(`'${name}' was not reloaded, and what ran goes on: ${why}`);
    }
  }

  private follow(one: Watched, files: readonly string[]): void {
    one.files = files;
    one.seen = lookOf(files);
    one.changing = undefined;
  }

  /** All devices of the plugin, or none if one of them does not fit. */
  private swapAll(before: LoadedPlugin, next: LoadedPlugin): string[] {
    const heirs = classesOf(next);
    const swaps = new Map<string, ConcreteDeviceClass>();
    for (const [type, deviceClass] of classesOf(before)) {
      const heir = heirs.get(type);
      for (const { id, device } of this.machine.devices) {
        if (device.constructor !== deviceClass || heir === deviceClass) continue;
        if (heir === undefined) throw new BackplaneError(`it exports no '${type}' any more, and '${id}' is one.`);
        swaps.set(id, heir);
      }
    }
    if (swaps.size === 0) return [];
    for (const complaint of this.machine.swapAll(swaps)) this.terminal.note(complaint);
    return [...swaps.keys()];
  }

  /** A machine is built once: what its definition says now is for the next one. */
  private sayWhatStays(before: LoadedPlugin, next: LoadedPlugin): void {
    const { name } = this.machine.definition;
    const [old, now] = [before, next].map(({ machines }) => machines.find((machine) => machine.name === name));
    if (old === undefined || (now !== undefined && describeMachine(old) === describeMachine(now))) return;
    const what = now === undefined ? 'is gone from it' : 'has changed';
    this.terminal.note(
      `machine '${name}' ${what}: the one that runs stays as it was built. Start it again to see that.`,
    );
  }
}

/** The device classes that came with a plugin, by type: exported by themselves, or in one of its machines. */
function classesOf({ devices, machines }: LoadedPlugin): ReadonlyMap<string, ConcreteDeviceClass> {
  const inMachines = machines.flatMap((machine) => machine.devices.map(({ device }) => device));
  const all = [...inMachines, ...devices.map(({ deviceClass }) => deviceClass)];
  return new Map(all.map((deviceClass) => [blueprintOf(deviceClass).type, deviceClass]));
}

/** Changes when a file is written, replaced, removed or put back. */
function lookOf(files: readonly string[]): string {
  return files
    .map((file) => {
      const status = statSync(file, { throwIfNoEntry: false, bigint: true });
      return status === undefined ? 'gone' : `${status.ino}.${status.size}.${status.mtimeNs}`;
    })
    .join();
}

/** What a definition says, as a text: two editions that say the same have the same. Code is compared by its source. */
export function describeMachine({ devices, services, ...rest }: MachineDefinition): string {
  const parts = devices.map(({ device, ...how }) => ({ type: blueprintOf(device).type, ...how }));
  try {
    return JSON.stringify({ ...rest, services: services.length, devices: parts }, showMember);
  } catch {
    // Something in it leads back to itself: nobody can tell whether it has changed.
    return '';
  }
}

function showMember(_name: string, value: unknown): unknown {
  if (typeof value === 'function') return value.toString();
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return value;
  // What is made anew in each edition and has a name is the same if the name is.
  if ('base' in value && 'name' in value) return String(value.name);
  if ('description' in value && 'connect' in value) return value.description;
  return value;
}
