import { definitionError } from '../base/errors.ts';
import { checkStateFields } from '../state/unsupported.ts';
import { checkReservedFields } from './class-checks.ts';
import type { DeviceInstance } from './class-metadata.ts';
import { stateOfDevice } from './parts.ts';
import { checkWiredPins } from './pins/interrupt-pin.ts';
import { checkTimerNames, constructTimers } from './timers.ts';

/**
 * Makes a device: the step of machines and benches in place of `new`. It learns which timers are the device's own, and
 * checks what only an object shows: fields, names of timers and pins.
 */
export function constructDevice<D extends DeviceInstance>(make: () => D): D {
  const device = constructTimers(make);
  const fail = definitionError(device.constructor.name);
  checkReservedFields(device, fail);
  checkStateFields(device, stateOfDevice(device), fail);
  checkTimerNames(device);
  checkWiredPins(device, fail);
  return device;
}
