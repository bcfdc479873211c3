import { definitionError } from '../base/errors.ts';
import { collectTimers } from '../clock/index.ts';
import { checkStateFields } from '../state/unsupported.ts';
import { checkReservedFields } from './class-checks.ts';
import type { DeviceInstance } from './class-metadata.ts';
import { Device } from './device.ts';
import { stateOfDevice } from './parts.ts';
import { checkWiredPins } from './pins/interrupt-pin.ts';
import {
  collectSubDevices,
  devicesIn,
  isUnderConstruction,
  noteSubDevice,
  refuseStraySubDevice,
  type SubDevicePlace,
} from './sub-devices.ts';
import { checkTimerNames, constructTimers, isConstructed } from './timers.ts';

/**
 * Makes a device: the step of machines and benches in place of `new`. It learns which timers are the device's own, and
 * checks what only an object shows: fields, names of timers and pins.
 */
export function constructDevice<D extends DeviceInstance>(make: () => D): D {
  return collectTimers(() => constructAndCheck(make)).result;
}

function constructAndCheck<D extends DeviceInstance>(make: () => D): D {
  const device = collectSubDevices(() => constructTimers(make));
  const fail = definitionError(device.constructor.name);
  checkReservedFields(device, fail);
  checkStateFields(device, stateOfDevice(device), fail);
  checkTimerNames(device);
  checkWiredPins(device, fail);
  if (!isUnderConstruction()) refuseDevicesMadeWithNew(device);
  return device;
}

/**
 * Makes a device that is a part of this one: `readonly timers = [subDevice(() => new Timer(clock), { inside: block })]`. Call
 * it where a field gets its value, or in the constructor. The outer device gives services and options, as arguments.
 *
 * Its name is that of the field, its id `sp804.timers[0]`. It is realized before `onRealize` of the outer device, reset by
 * `super.reset()`, and unrealized after `onUnrealize`. Its pins are wired as `timers[0].irq`, and its state is saved inside that
 * of the outer device. With a place, its regions are mapped into a container region; without one, `onRealize` maps them.
 */
export function subDevice<D extends Device>(make: () => D, place?: SubDevicePlace): D {
  refuseStraySubDevice();
  const device = constructDevice(make);
  noteSubDevice(device, place);
  return device;
}

/** A device in a field that was made with `new` alone would never be realized, reset or saved. */
function refuseDevicesMadeWithNew(outer: DeviceInstance): void {
  const known = devicesIn(outer as Device).map(({ device }) => device);
  for (const device of known) {
    for (const [field, value] of Object.entries(device) as [string, unknown][]) {
      const stranger = [value]
        .flat()
        .find((one) => one instanceof Device && !known.includes(one) && !isConstructed(one));
      if (stranger === undefined) continue;
      const { name } = (stranger as Device).constructor;
      throw definitionError(device.constructor.name)(
        'device-made-with-new',
        `field '${field}' holds a ${name} that was made with new, and nothing would realize, reset or save it. ` +
          `Write subDevice(() => new ${name}(...)).`,
      );
    }
  }
}
