import { describe, it } from 'vitest';
import * as chips from '../../../devices/index.ts';
import { nodeHost } from '../../../sdk/cli/node.ts';
import type { ConcreteDeviceClass } from '../../../sdk/index.ts';
import { deviceConformance } from '../../../sdk/testing/index.ts';
import { times } from '../../depth.ts';
import { SerialPort } from '../../mutation/devices/serial-port.ts';
import { deviceProfiles } from './device-profiles.ts';

const ourDevices = Object.entries({ ...chips, SerialPort }).filter(([, chip]) => typeof chip === 'function');

/** The suite for every second device of ours, from the first or from the second on: two files, which two workers run. */
export function everySecondDevice(first: 0 | 1): void {
  ourDevices.forEach(([name, chip], index) => {
    if (index % 2 !== first) return;
    const settings = {
      ...deviceProfiles[name],
      host: nodeHost,
      describe,
      it,
      lint: 'fail',
      hostileAccesses: times(2000, 20_000),
      runs: times(2, 5),
    };
    deviceConformance(chip as ConcreteDeviceClass, settings as object);
  });
}
