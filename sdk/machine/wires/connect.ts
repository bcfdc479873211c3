import { BackplaneError } from '../../base/errors.ts';
import { pinsOf, type Token } from '../../device/index.ts';
import type { PluggedDevice } from '../wiring.ts';
import { DeviceWire } from './wire.ts';

/** Connects the wires of `plugged`; `all` are the devices at the other ends. */
export function connectWires(
  plugged: readonly PluggedDevice[],
  all: readonly PluggedDevice[],
  service: (token: Token) => unknown,
): void {
  for (const one of plugged) connectDevice(one, all, service);
}

function connectDevice(
  { id, device, wires, disconnects }: PluggedDevice,
  all: readonly PluggedDevice[],
  service: (token: Token) => unknown,
): void {
  const pins = pinsOf(device);
  for (const [name, wire] of wires) {
    const pin = pins.get(name);
    if (pin === undefined)
      throw new BackplaneError('no-such-pin', `Device '${id}' has lost its pin '${name}' since it was checked.`);
    if (wire instanceof DeviceWire) {
      const other = all.find((one) => one.id === wire.device);
      const input = other && pinsOf(other.device).get(wire.pin);
      disconnects.push(pin.connect((level) => input?.set(level)));
    } else {
      disconnects.push(wire.connect(pin, service(wire.service)));
    }
  }
}

/** A replacement drives the wires already, so that disconnecting the old device must not change a level. */
export function disconnectQuietly({ device, wires, disconnects }: PluggedDevice): void {
  const pins = pinsOf(device);
  const inOrder = [...wires];
  disconnects.splice(0).forEach((disconnect, index) => {
    const [name, wire] = inOrder[index] ?? [];
    if (wire instanceof DeviceWire) pins.get(name ?? '')?.restore(false);
    disconnect();
  });
}
