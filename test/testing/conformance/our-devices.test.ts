import { describe, it } from 'vitest';
import * as chips from '../../../devices/index.ts';
import { nodeHost } from '../../../sdk/cli/node.ts';
import type { ConcreteDeviceClass } from '../../../sdk/index.ts';
import { deviceConformance } from '../../../sdk/testing/index.ts';
import { times } from '../../depth.ts';
import { SerialPort } from '../../mutation/devices/serial-port.ts';
import { deviceProfiles } from './device-profiles.ts';

for (const [name, chip] of Object.entries({ ...chips, SerialPort })) {
  if (typeof chip !== 'function') continue;
  const settings = {
    ...deviceProfiles[name],
    host: nodeHost,
    describe,
    it,
    lint: 'fail',
    hostileAccesses: times(8000, 20_000),
    runs: times(3, 5),
  };
  deviceConformance(chip as ConcreteDeviceClass, settings as object);
}
