import { parseArgs } from 'node:util';
import { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { HostKernel } from '../../sdk/host-kvm/host-kernel.ts';
import { describeKernel, kernelAtHand, simulatedLike } from './kernel-at-hand.ts';
import { Progress } from './progress.ts';
import { compareRandomly, describeDifference } from './random/compare.ts';
import { MachineCodeGuest, SimulatedGuest } from './random/guests.ts';
import { ScriptBench } from './random/script-bench.ts';

// Random scripts on the real and on the simulated kernel, compared exit by exit.

const { values } = parseArgs({
  options: { operations: { type: 'string', default: '50000' }, seed: { type: 'string', default: '1' } },
});
const whole = (name: 'operations' | 'seed'): number => {
  const number = Number(values[name]);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Error(`--${name} is '${values[name]}', which is no whole number from 0.`);
};

const atHand = kernelAtHand();
const host = new HostKernel();
const simulated = new SimulatedKernel(simulatedLike(atHand));
const progress = new Progress();
const operations = whole('operations');
try {
  const { scripts, exits, difference, ...done } = compareRandomly(
    new ScriptBench(host, (vcpuFd, ram) => new MachineCodeGuest(host, vcpuFd, ram)),
    new ScriptBench(simulated, (vcpuFd) => new SimulatedGuest(simulated, vcpuFd)),
    {
      operations,
      seed: whole('seed'),
      onProgress: (count) => progress.show(`random scripts: ${count} of ${operations} operations`),
    },
  );
  progress.clear();
  const ran = `${describeKernel(atHand)}\n${scripts} random scripts, ${done.operations} operations, ${exits} exits of the real kernel`;
  if (difference === undefined) console.log(`${ran}: no difference.`);
  else {
    console.log(`${ran}: DIFFERENT.\n${describeDifference(difference, ['the real kernel', 'the simulated kernel'])}`);
    process.exitCode = 1;
  }
} finally {
  host.dispose();
}
