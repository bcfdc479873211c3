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
