import { describe, expect, it } from 'vitest';
import { simulatedAccelerator } from '../../sdk/accelerator/index.ts';
import { plainPort, SmallMachine } from './small-machine.ts';

describe('what an accelerator is made with', () => {
  it.each([
    [{ vcpus: 1.5 }, "Accelerator 'kvm-sim': 'vcpus' is 1.5. Give a whole number from 1 to 64."],
    [{ vcpus: 0 }, "'vcpus' is 0."],
    [{ vcpus: Number.NaN }, "'vcpus' is NaN."],
    [{ vcpus: 65 }, "'vcpus' is 65."],
    [{ seed: 0.5 }, "'seed' is 0.5. Give a whole number."],
    [{ kickAfter: Number.NaN }, "'kickAfter' is NaN. Give 0 or more nanoseconds"],
    [{ kickAfter: -1 }, "'kickAfter' is -1."],
  ])('%o is refused', (options, message) => {
    expect(() => simulatedAccelerator(options)).toThrow(message);
  });

  it.each([
    [{ operationLimit: Number.NaN }, "run(): 'operationLimit' is NaN. Give a whole number, 0 or more, or Infinity."],
    [{ operationLimit: -1 }, "'operationLimit' is -1."],
    [{ operationLimit: 0.5 }, "'operationLimit' is 0.5."],
    [{ timerLimit: 0 }, "'timerLimit' is 0. Give a whole number, 1 or more"],
    [{ progressEvery: 0 }, "'progressEvery' is 0."],
  ])('a run with %o is refused', (options, message) => {
    const machine = new SmallMachine([plainPort()]);
    expect(() => machine.run((guest) => guest.out8(0x80, 1), options)).toThrow(message);
    expect(machine.run((guest) => guest.out8(0x80, 1), { operationLimit: Number.POSITIVE_INFINITY })).toMatchObject({
      reason: 'finished',
    });
  });
});
