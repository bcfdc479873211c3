import { nearest } from '../device/index.ts';
import { BackplaneError } from '../memory/index.ts';
import type { MachineDefinition } from './machine-definition.ts';
import type { PluggedDevice } from './machine-parts.ts';
import { DeviceWire } from './wiring.ts';

/** The device with that id, if the machine can do without it now. */
export function unpluggable(
  devices: readonly PluggedDevice[],
  id: string,
  { name, interruptController = [] }: MachineDefinition,
  verb: 'unplug' | 'swap' = 'unplug',
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
      if (!(wire instanceof DeviceWire) || wire.device !== id || other === id) continue;
      throw refuse(`pin '${pin}' of '${other}' is wired to it. Unplug '${other}' first.`);
    }
  }
  if (found.regions.some(({ guard }) => guard?.engagedInIo === true)) {
    throw refuse('it is inside one of its own handlers. Unplug it when that has returned.');
  }
  return found;
}
