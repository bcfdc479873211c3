import { describe, expect, it } from 'vitest';
import { simulatedAccelerator } from '../../sdk/accelerator/index.ts';
import { expectRefusal } from '../refusal.ts';
import { plainPort, SmallMachine } from './small-machine.ts';

describe('what an accelerator is made with', () => {
  it.each([
    { vcpus: 1.5 },
    { vcpus: 0 },
    { vcpus: Number.NaN },
    { vcpus: 65 },
    { seed: 0.5 },
    { kickAfter: Number.NaN },
    { kickAfter: -1 },
  ])('%o is refused', (options) => {
    const [[name, value] = []] = Object.entries(options);
    expectRefusal(
      () => simulatedAccelerator(options),
      'invalid-accelerator-option',
      "'kvm-sim'",
      `'${name}'`,
      `${value}`,
    );
  });

  it.each([
    { operationLimit: Number.NaN },
    { operationLimit: -1 },
    { operationLimit: 0.5 },
    { timerLimit: 0 },
    { progressEvery: 0 },
  ])('a run with %o is refused', (options) => {
    const machine = new SmallMachine([plainPort()]);
    const [[name, value] = []] = Object.entries(options);
    expectRefusal(
      () => machine.run((guest) => guest.out8(0x80, 1), options),
      'invalid-run-option',
      `'${name}'`,
      `${value}`,
    );
    expect(machine.run((guest) => guest.out8(0x80, 1), { operationLimit: Number.POSITIVE_INFINITY })).toMatchObject({
      reason: 'finished',
    });
  });
});
