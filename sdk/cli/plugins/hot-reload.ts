import { statSync } from 'node:fs';
import { hostNanoseconds, MILLISECOND } from '../../clock/index.ts';
import type { ConcreteDeviceClass } from '../../device/index.ts';
import type { Machine } from '../../machine/index.ts';
import type { Terminal } from '../terminal.ts';
import { messageOf } from './bundle.ts';
import { loadPlugin } from './load-plugins.ts';
import { observeWith } from './observe.ts';
import type { LoadedPlugin } from './plugin.ts';

interface Watched {
  plugin: LoadedPlugin;
  /** What the files looked like when they were last read, whether that went well or not. */
  seen: string;
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
      seen: lookOf(plugin.files),
      endObservers: observeWith([plugin], machine),
    }));
  }

  /** Reloads whatever has changed since the last look. The machine must not be running meanwhile. */
  async look(): Promise<void> {
    for (const one of this.watched) if (lookOf(one.plugin.files) !== one.seen) await this.reload(one);
  }

  end(): void {
    for (const { endObservers } of this.watched) endObservers();
  }

  private async reload(one: Watched): Promise<void> {
    const begin = hostNanoseconds();
    one.seen = lookOf(one.plugin.files);
    const { name } = one.plugin;
    try {
      const next = await loadPlugin(name);
      const swapped = this.swapAll(one.plugin, next);
      one.plugin = next;
      one.seen = lookOf(next.files);
      one.endObservers();
      one.endObservers = observeWith([next], this.machine);
      const took = ((hostNanoseconds() - begin) / MILLISECOND).toFixed(0);
      this.terminal.note(`reloaded '${name}' in ${took} ms: ${swapped.join(', ') || 'no device of it is plugged in'}`);
    } catch (failure) {
      this.terminal.note(`'${name}' was not reloaded, and what ran goes on: ${messageOf(failure)}`);
    }
  }

  /** All devices of the plugin, or none: those that were swapped already go back if a later one does not fit. */
  private swapAll(before: LoadedPlugin, next: LoadedPlugin): string[] {
    const { machine } = this;
    const done: { readonly id: string; readonly before: ConcreteDeviceClass }[] = [];
    try {
      for (const { deviceClass, blueprint } of before.devices) {
        const heir = next.devices.find((device) => device.blueprint.type === blueprint.type);
        for (const { id, device } of machine.devices.filter((one) => one.device instanceof deviceClass)) {
          if (heir === undefined) throw new Error(`it exports no '${blueprint.type}' any more, and '${id}' is one.`);
          if (device.constructor !== deviceClass) continue;
          machine.swap(id, heir.deviceClass);
          done.push({ id, before: deviceClass });
        }
      }
    } catch (failure) {
      for (const { id, before: old } of done) machine.swap(id, old);
      throw failure;
    }
    return done.map(({ id }) => id);
  }
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
