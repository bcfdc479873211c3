import { nearest } from '../base/text.ts';
import { type Device, pinsOf } from '../device/index.ts';
import { DeviceWire, type Wire } from './wiring.ts';

interface NamedDevice {
  readonly id: string;
  readonly device: Device;
}

interface WiredDevice extends NamedDevice {
  readonly wires: ReadonlyMap<string, Wire>;
}

/** Sentences about wires that begin or end at a pin which a device has not. `all` are those that may be at the other end. */
export function pinMistakes(wired: readonly WiredDevice[], all: readonly NamedDevice[]): string[] {
  return wired.flatMap(({ id, device, wires }) =>
    [...wires].flatMap(([name, wire]) => {
      const other = wire instanceof DeviceWire ? all.find((one) => one.id === wire.device) : undefined;
      const atOtherEnd =
        other !== undefined && wire instanceof DeviceWire
          ? pinMistake(other, wire.pin, ` It is named by a wire of '${id}'.`)
          : [];
      return [...pinMistake({ id, device }, name, ''), ...atOtherEnd];
    }),
  );
}

function pinMistake({ id, device }: NamedDevice, name: string, remark: string): string[] {
  const pins = [...pinsOf(device).keys()];
  if (pins.includes(name)) return [];
  const close = nearest(name, pins);
  const hint =
    close === undefined ? `It has ${pins.length === 0 ? 'none' : pins.join(', ')}.` : `Did you mean '${close}'?`;
  return [`Device '${id}': ${device.constructor.name} has no pin '${name}'. ${hint}${remark}`];
}
