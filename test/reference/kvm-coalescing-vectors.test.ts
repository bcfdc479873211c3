import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { attachProgram } from './simulated-vector-guest.ts';
import type { Vector } from './vector-notation.ts';
import { runVector } from './vector-runner.ts';

function vectorsOf(file: string): readonly Vector[] {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')).vectors;
}

describe('the simulated kernel does what a real KVM was measured to do', () => {
  const vectors = vectorsOf('./kvm-coalescing-vectors.json');

  it('has all 51 measured vectors', () => expect(vectors).toHaveLength(51));

  it.each(vectors.map((vector) => [vector.id, vector.what, vector] as const))('%s: %s', (_id, _what, vector) => {
    runVector(new SimulatedKernel(), vector, attachProgram);
  });
});

describe('the simulated kernel does what follows from the sources: ioeventfds among zones, two vCPUs, strings that read', () => {
  const vectors = vectorsOf('./kvm-own-vectors.json');

  it.each(vectors.map((vector) => [vector.id, vector.what, vector] as const))('%s: %s', (_id, _what, vector) => {
    runVector(new SimulatedKernel(), vector, attachProgram);
  });
});

describe('the vector runner', () => {
  it('notices a kernel that answers otherwise', () => {
    const vector = vectorsOf('./kvm-coalescing-vectors.json').find(({ id }) => id === 'A1')!;
    const wrong = { ...vector, setup: vector.setup.map((step) => ({ ...step, addr: 0x72 })) };
    expect(() => runVector(new SimulatedKernel(), wrong, attachProgram)).toThrow();
  });
});
