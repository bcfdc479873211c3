import { describe, it } from 'vitest';
import * as chips from '../../../devices/index.ts';
import { nodeHost } from '../../../sdk/cli/node.ts';
import type { ConcreteDeviceClass } from '../../../sdk/index.ts';
import { deviceConformance } from '../../../sdk/testing/index.ts';
import { isThorough, times } from '../../depth.ts';
import { SerialPort } from '../../mutation/devices/serial-port.ts';
import { deviceProfiles } from './device-profiles.ts';

/** Its chip is that of IsaSerial, in other places. */
const sameChip = isThorough ? [] : ['SerialMm'];
const ourDevices = Object.entries({ ...chips, SerialPort }).filter(
  ([name, chip]) => typeof chip === 'function' && !sameChip.includes(name),
);

/** The suite for every second device of ours, from the first or from the second on: two files, which two workers run. */
export function everySecondDevice(first: 0 | 1): void {
  ourDevices.forEach(([name, chip], index) => {
    if (index % 2 !== first) return;
    const settings = {
      ...deviceProfiles[name],
      host: nodeHost,
      describe,
      it,
      // The lint is for .ci/run: it takes as long as the contract.
      lint: isThorough ? 'fail' : 'off',
      hostileAccesses: times(1000, 20_000),
      runs: times(1, 5),
    };
    deviceConformance(chip as ConcreteDeviceClass, settings as object);
  });
}
