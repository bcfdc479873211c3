import type { KvmKernel } from '../../sdk/accelerator/kvm/kernel.ts';
import { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { HostKernel } from '../../sdk/host-kvm/host-kernel.ts';
import { attachMachineCode } from '../reference/machine-code-vector-guest.ts';
import { attachProgram } from '../reference/simulated-vector-guest.ts';
import type { Vector } from '../reference/vector-notation.ts';
import { type AttachGuest, runVector } from '../reference/vector-runner.ts';
import { givenVectors, holdsOn, ownVectors } from '../reference/vectors.ts';
import { describeKernel, kernelAtHand, simulatedLike } from './kernel-at-hand.ts';

// Every vector, given and own, on the simulated and on the real kernel, as one table.

interface Row {
  readonly id: string;
  readonly simulated: string;
  readonly real: string;
  readonly holds: string;
}

const Passed = 'ok';
const OfAnother = 'of another kernel';

function outcome<Kernel extends KvmKernel>(kernel: Kernel, vector: Vector, attach: AttachGuest<Kernel>): string {
  try {
    runVector(kernel, vector, attach);
    return Passed;
  } catch (cause) {
    return `FAILED: ${(cause as Error).message}`;
  }
}

function onRealKernel(vector: Vector): string {
  const kernel = new HostKernel();
  try {
    return outcome(kernel, vector, attachMachineCode);
  } finally {
    kernel.dispose();
  }
}

/** For which kernels a vector holds, where it does not hold for all. */
function describeHolds({ holds }: Vector): string {
  const { processor, ring } = holds ?? {};
  const parts = [
    ...(processor === undefined ? [] : [processor === 'intel' ? 'VMX' : 'SVM']),
    ...(ring === undefined ? [] : [ring === '6.12' ? 'Linux 6.12 and later' : 'Linux before 6.12']),
  ];
  return parts.join(', ');
}

const atHand = kernelAtHand();
const vectors = [...givenVectors, ...ownVectors];
const rows: Row[] = vectors.map((vector) => {
  const like = { ...atHand, ...vector.holds };
  return {
    id: vector.id,
    simulated: outcome(new SimulatedKernel(simulatedLike(like)), vector, attachProgram),
    real: holdsOn(vector, atHand) ? onRealKernel(vector) : OfAnother,
    holds: describeHolds(vector),
  };
});

const width = Math.max(...rows.map(({ id }) => id.length));
const line = ({ id, simulated, real, holds }: Row): string =>
  `  ${id.padEnd(width)}  ${simulated.padEnd(9)}  ${real.padEnd(17)}  ${holds}`.trimEnd();
console.log(describeKernel(atHand));
console.log(line({ id: 'vector', simulated: 'simulated', real: 'real', holds: 'holds for' }));
for (const row of rows) console.log(line(row));
const failed = rows.filter((row) => row.simulated !== Passed || row.real.startsWith('FAILED'));
const ranOnBoth = rows.filter(({ simulated, real }) => simulated === Passed && real === Passed);
const elsewhere = rows.filter(({ real }) => real === OfAnother);
console.log(
  `${vectors.length} vectors: ${ranOnBoth.length} hold on both kernels, ${elsewhere.length} hold for another kernel than this one, ${failed.length} failed.`,
);
for (const row of failed) console.log(line(row));
if (failed.length > 0) process.exitCode = 1;
