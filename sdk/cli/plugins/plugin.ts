import type { MachineDefinition, MachineObserver } from '../../machine/index.ts';
import type { KnownDevice } from '../catalogue.ts';

/** What `-plugin` named, loaded and looked through. */
export interface LoadedPlugin {
  /** As it was given: `./my-device.ts`, a package's name, a directory. */
  readonly name: string;
  /** The file that was loaded. */
  readonly entry: string;
  /** Every file that went into it, entry included: what a watcher watches. */
  readonly files: readonly string[];
  readonly devices: readonly KnownDevice[];
  readonly machines: readonly MachineDefinition[];
  readonly observers: readonly MachineObserver[];
}
