import { describeThrown } from '../../base/errors.ts';
import type { ConcreteDeviceClass, DeviceBlueprint } from '../../device/index.ts';
import type { Machine, MachineDefinition, MachineObserver, ObserverFailureSink } from '../../machine/index.ts';
import type { Terminal } from '../terminal.ts';
import { withPlace } from './failure-place.ts';

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

/** Lets every observer of these plugins watch a machine; answers how to end that, summaries included. */
export function observeWith(plugins: readonly LoadedPlugin[], machine: Machine): () => void {
  const ends = plugins.flatMap(({ observers }) => observers.map((observer) => machine.observe(observer)));
  return () => {
    for (const end of ends) end();
  };
}

/** Says which observer was taken off, why, and where in its file that was. */
export function reportObservers(terminal: Terminal): ObserverFailureSink {
  return (observer, failure) => {
    const why = withPlace(describeThrown(failure), failure);
    terminal.note(`observer '${observer}' threw and was taken off: ${why}`);
  };
}

export interface KnownDevice {
  readonly deviceClass: ConcreteDeviceClass;
  readonly blueprint: DeviceBlueprint;
}
