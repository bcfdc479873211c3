import { nearest } from '../base/text.ts';
import { BackplaneError, type MemoryTopology } from '../memory/index.ts';
import type { MachineDefinition } from './machine-definition.ts';
import type { PluggedDevice } from './machine-parts.ts';
import { DeviceWire } from './wiring.ts';

const remedy = {
  unplug: (other: string) => `Unplug '${other}' first.`,
  swap: (other: string) => `Swap '${other}' with it in one swapAll(), or unplug '${other}' first.`,
} as const;

/** The device with that id, if the machine can do without it now. */
export function unpluggable(
  devices: readonly PluggedDevice[],
  id: string,
  { name, interruptController = [] }: MachineDefinition,
  verb: 'unplug' | 'swap' = 'unplug',
  /** Goes together with these. */
  together: readonly string[] = [id],
): PluggedDevice {
  const found = devices.find((device) => device.id === id);
  const refuse = (why: string) => new BackplaneError(`Machine '${name}': cannot ${verb} '${id}': ${why}`);
  if (found === undefined) {
    const ids = devices.map((device) => device.id);
    const close = nearest(id, ids);
    throw refuse(
      `no device has that id. ${close === undefined ? `The ids are ${ids.join(', ')}.` : `Did you mean '${close}'?`}`,
    );
  }
  if ([interruptController].flat().includes(id))
    throw refuse('it interrupts the processor. Build another machine instead.');
  for (const { id: other, wires } of devices) {
    for (const [pin, wire] of wires) {
      if (!(wire instanceof DeviceWire) || wire.device !== id || together.includes(other)) continue;
      throw refuse(`pin '${pin}' of '${other}' is wired to it. ${remedy[verb](other)}`);
    }
  }
  if (found.regions.some(({ guard }) => guard?.engagedInIo === true)) {
    throw refuse(
      `it is inside one of its own handlers. ${verb === 'swap' ? 'Swap' : 'Unplug'} it when that has returned.`,
    );
  }
  return found;
}

/** Devices change between two instructions: not while one of them, whichever, is answering the guest. */
export function refuseInsideHandler({ handlerDepth }: MemoryTopology, { name }: MachineDefinition): void {
  if (handlerDepth === 0) return;
  throw new BackplaneError(
    `Machine '${name}': cannot swap devices inside a handler of one of them. Call pause() there, and swap when run() has returned.`,
  );
}
