import { describe, it } from 'vitest';
import * as chips from '../../devices/index.ts';
import type { ConcreteDeviceClass } from '../../sdk/index.ts';
import { deviceConformance } from '../../sdk/testing/index.ts';
import { particulars } from './particulars.ts';

for (const [name, chip] of Object.entries(chips)) {
  if (typeof chip !== 'function') continue;
  deviceConformance(chip as ConcreteDeviceClass, {
    describe,
    it,
    hostileAccesses: 20_000,
    runs: 8,
    ...particulars[name],
  });
}
