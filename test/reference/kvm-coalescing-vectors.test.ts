import { describe, expect, it } from 'vitest';
import { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { attachProgram } from './simulated-vector-guest.ts';
import { runVector } from './vector-runner.ts';
import { givenVectors, holdsOn, ownVectors } from './vectors.ts';

const kernels = (['intel', 'amd'] as const).flatMap((processor) =>
  (['6.12', 'before-6.12'] as const).map((ring) => ({ processor, ring })),
);

describe('the simulated kernel does what a real KVM was measured to do', () => {
  it('has all 51 measured vectors', () => expect(givenVectors).toHaveLength(51));

  it.each(givenVectors.map((vector) => [vector.id, vector.what, vector] as const))('%s: %s', (_id, _what, vector) => {
    runVector(new SimulatedKernel(), vector, attachProgram);
  });
});

describe('the simulated kernel does what follows from the sources: ioeventfds among zones, two vCPUs, strings that read', () => {
  const vectors = ownVectors.filter((vector) => holdsOn(vector, { processor: 'intel', ring: '6.12' }));

  it.each(vectors.map((vector) => [vector.id, vector.what, vector] as const))('%s: %s', (_id, _what, vector) => {
    runVector(new SimulatedKernel(), vector, attachProgram);
  });
});

describe.each(kernels)('the simulated KVM of $processor, with the ring of Linux $ring', (kernel) => {
  const all = [...givenVectors, ...ownVectors];

  it('does what each vector says that holds there', () => {
    const held = all.filter((vector) => holdsOn(vector, kernel));
    expect(held.length).toBeGreaterThan(90);
    for (const vector of held) runVector(new SimulatedKernel(kernel), vector, attachProgram);
  });

  it('does otherwise where a vector holds for another one', () => {
    const others = all.filter((vector) => !holdsOn(vector, kernel));
    expect(others.map(({ id }) => id)).toEqual([
      ...(kernel.ring === '6.12' ? [] : ['B3', 'E1', 'E2']),
      ...(kernel.processor === 'intel' ? ['I11a'] : ['I11']),
      ...(kernel.ring === '6.12' ? ['O1', 'O2', 'O3'] : ['T3']),
    ]);
    for (const vector of others) {
      expect(() => runVector(new SimulatedKernel(kernel), vector, attachProgram), vector.id).toThrow();
    }
  });
});

describe('the vector runner', () => {
  it('notices a kernel that answers otherwise', () => {
    const vector = givenVectors.find(({ id }) => id === 'A1')!;
    const wrong = { ...vector, setup: vector.setup.map((step) => ({ ...step, addr: 0x72 })) };
    expect(() => runVector(new SimulatedKernel(), wrong, attachProgram)).toThrow();
  });
});
