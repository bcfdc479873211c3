import { expect, it } from 'vitest';
import { checkDevice } from '../../sdk/testing/index.ts';
import { Disk, Line } from './uart.ts';

it.each([Line, Disk])('%o passes the suite, its receive paths without an exception', (deviceClass) => {
  const found = checkDevice(deviceClass, { hostileAccesses: 4000 });
  expect(found.map(({ text }) => text)).toEqual([]);
});
