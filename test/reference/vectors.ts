import { readFileSync } from 'node:fs';
import type { Vector, VectorHolds } from './vector-notation.ts';

/** Measured on Linux 6.18, these need the ring of 6.12. The file is measured data, so it is said here. */
const NeedRingOf612 = ['B3', 'E1', 'E2'];

/** The vectors that were measured on a real KVM, and on which KVM each holds. */
export const givenVectors: readonly Vector[] = vectorsOf('./kvm-coalescing-vectors.json').map((vector) =>
  NeedRingOf612.includes(vector.id) ? { ...vector, holds: { ring: '6.12' } } : vector,
);

/** Our own. */
export const ownVectors: readonly Vector[] = vectorsOf('./kvm-own-vectors.json');

/** Whether a vector holds on this KVM. */
export function holdsOn({ holds = {} }: Vector, kernel: Required<VectorHolds>): boolean {
  return (holds.processor ?? kernel.processor) === kernel.processor && (holds.ring ?? kernel.ring) === kernel.ring;
}

function vectorsOf(file: string): readonly Vector[] {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')).vectors;
}
