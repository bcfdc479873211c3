import { BackplaneError } from '../../base/errors.ts';
import type { PluggedDevice } from '../wiring.ts';
import { busesIn } from './list.ts';
import { addressText, type BusPlace } from './places.ts';

/** A device, and its replacement. */
export interface Pair {
  readonly old: PluggedDevice;
  readonly replacement: PluggedDevice;
}

/**
 * Attaches the devices of swapped controllers to the buses of the new ones, before these load their state. They are on the old
 * buses too until `leaveOldBuses`. `undo` gets what puts them back.
 */
export function joinNewBuses(
  pairs: readonly Pair[],
  others: readonly PluggedDevice[],
  undo: (() => void)[],
): readonly (() => void)[] {
  const buses = busesIn(
    [],
    pairs.map(({ replacement }) => replacement),
  );
  for (const { old, replacement } of pairs) if (isOnNewBus({ old, replacement })) replacement.joinBus();
  return others.flatMap((child) => {
    const { place } = child;
    if (!pairs.some(({ old }) => old.id === place.owner)) return [];
    const same = buses.find(({ name, bus }) => name === place.name && bus.kind === place.bus.kind);
    const address = same && addressIn(place, same.bus);
    if (same === undefined || (address === undefined && place.address !== undefined))
      throw lost(child, same !== undefined);
    const leave = child.detach;
    undo.push(() => {
      child.leaveBus();
      leave?.();
      child.place = place;
      child.joinBus();
    });
    child.place = { ...same, address };
    child.joinBus();
    return [() => leave?.()];
  });
}

/** The address as the new bus knows it. */
function addressIn(place: BusPlace, bus: BusPlace['bus']): unknown {
  const text = addressText(place);
  return text === undefined ? undefined : bus.parse(text);
}

function lost({ id, place, address }: PluggedDevice, hasBus: boolean): BackplaneError {
  const why = hasBus
    ? `its '${place.name}' has no address ${address}`
    : `it has no bus '${place.name}' of the kind '${place.bus.kind}'`;
  return new BackplaneError(
    'replacement-mismatch',
    `Device '${place.owner}': the new class cannot replace it: ${why}, where '${id}' is plugged in. Unplug '${id}' first.`,
  );
}

/** Whether the controller of a swapped device is swapped with it. */
export const isOnNewBus = ({ old, replacement }: Pair): boolean => old.place.bus !== replacement.place.bus;

/** The replacement takes the old device's place on its bus, without a change of level. */
export function changeOver({ old, replacement }: Pair): void {
  const { detach } = old;
  old.detach = undefined;
  if (isOnNewBus({ old, replacement })) detach?.();
  else {
    const { bus, address } = replacement.place;
    replacement.detach = bus.replace(old.device, replacement.device, address, () => detach?.());
  }
}
