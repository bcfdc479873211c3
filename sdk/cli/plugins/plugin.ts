import type { ContainerModule } from 'inversify';
import type { BackendKind } from '../../backend/kinds.ts';
import { describeThrown } from '../../base/errors.ts';
import type { ClassMetadata, ConcreteDeviceClass } from '../../device/index.ts';
import type { Machine, MachineDefinition, MachineObserver, ObserverFailureSink } from '../../machine/index.ts';
import type { Terminal } from '../terminal.ts';
import { withPlace } from './failure-place.ts';

/** A loaded plugin. */
export interface LoadedPlugin {
  /** Its name on the command line: `./my-device.ts`, a package, a directory. */
  readonly name: string;
  /** The file that was loaded. */
  readonly entry: string;
  /** All files of the user in it, for `-watch`. */
  readonly files: readonly string[];
  readonly devices: readonly KnownDevice[];
  readonly machines: readonly MachineDefinition[];
  readonly observers: readonly MachineObserver[];
  readonly backends: readonly BackendKind[];
  /** Each machine gets them, after its own. */
  readonly services: readonly ContainerModule[];
}

/** Starts the observers of these plugins on a machine. Returns a function that ends them. */
export function observeWith(plugins: readonly LoadedPlugin[], machine: Machine): () => void {
  const ends = plugins.flatMap(({ observers }) => observers.map((observer) => machine.observe(observer)));
  return () => {
    for (const end of ends) end();
  };
}

/** Reports an observer that threw and was removed, with the place in its file. */
export function reportObservers(terminal: Terminal): ObserverFailureSink {
  return (observer, failure) => {
    const why = withPlace(describeThrown(failure), failure);
    terminal.note(`observer '${observer}' threw and was removed: ${why}`);
  };
}

export interface KnownDevice {
  readonly deviceClass: ConcreteDeviceClass;
  readonly metadata: ClassMetadata;
}
