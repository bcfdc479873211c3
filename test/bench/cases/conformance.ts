import { Edu } from '../../../devices/index.ts';
import { hostileGuest } from '../../../sdk/testing/conformance/checks/hostile-guest.ts';
import { Subject } from '../../../sdk/testing/conformance/subject.ts';
import { deviceProfiles } from '../../testing/conformance/device-profiles.ts';
import type { BenchCase } from '../bench-case.ts';

const accesses = 20_000;

export const cases: readonly BenchCase[] = [
  {
    table: 'Conformance of a device',
    name: 'accesses of the hostile guest to edu',
    targetPerSecond: 50_000,
    prepare: () => ({
      operations: accesses,
      run: () => {
        const found = hostileGuest.find(new Subject(Edu, { ...deviceProfiles['Edu'], hostileAccesses: accesses }));
        if (found !== undefined) throw new Error('edu does not stand its hostile guest');
      },
    }),
  },
];
