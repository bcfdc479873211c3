import { nearest } from '../base/text.ts';
import type { Fail } from './blueprint-checks.ts';
import type { Device } from './device.ts';
import { InterruptPin } from './interrupt-pin.ts';

/** The names of a device's public interrupt pins: what a machine may wire, and the compiler refuses any other. */
export type PinNames<D extends Device> = { [K in keyof D]-?: D[K] extends InterruptPin ? K : never }[keyof D] & string;

/** Something for each pin that a device has, and nothing for any other name. */
export type PerPin<D extends Device, T> = [PinNames<D>] extends [never]
  ? { readonly [name: string]: never }
  : { readonly [P in PinNames<D>]?: T };

/** The pins of a device by name, those of an array as `pins[3]`. They exist from construction on. */
export function pinsOf(device: Device): ReadonlyMap<string, InterruptPin> {
  const pins = new Map<string, InterruptPin>();
  for (const [name, value] of Object.entries(device) as [string, unknown][]) {
    if (value instanceof InterruptPin) pins.set(name, value);
    else if (Array.isArray(value) && value[0] instanceof InterruptPin) {
      for (const [index, pin] of value.entries()) pins.set(`${name}[${index}]`, pin as InterruptPin);
    }
  }
  return pins;
}

export function pinOf(device: Device, name: string): InterruptPin | undefined {
  return pinsOf(device).get(name);
}

/** An option that wires a pin which the device has not is a mistake of the class, on a bench as in a machine. */
export function checkWiredPins(device: Device, fail: Fail): void {
  const pins = [...pinsOf(device).keys()];
  for (const [option, { wires }] of Object.entries(device.blueprint.options.declarations)) {
    if (wires === undefined || pins.includes(wires.pin)) continue;
    const close = nearest(wires.pin, pins);
    const hint = close === undefined ? `It has ${pins.join(', ') || 'none'}.` : `Did you mean '${close}'?`;
    throw fail(`option '${option}' wires the pin '${wires.pin}', which the device does not have. ${hint}`);
  }
}
