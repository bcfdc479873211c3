import { HostKernel } from '../../sdk/host-kvm/host-kernel.ts';
import { attachMachineCode } from '../reference/machine-code-vector-guest.ts';
import { runVector } from '../reference/vector-runner.ts';
import { processorAtHand } from './kernel-at-hand.ts';

// Ends with status 0 if this host's KVM is one of VMX or SVM and runs 16-bit code. A KVM in software may hang here: give it a limit.

const guest = [{ op: 'out', port: 0x80, bytes: [1] }, { op: 'in', port: 0x80, size: 2 }, { op: 'hlt' }] as const;
const expect = [
  { exit: 'io', direction: 'out', port: 0x80, size: 1, count: 1, data: [1] },
  { exit: 'io', direction: 'in', port: 0x80, size: 2, count: 1 },
  { exit: 'hlt' },
] as const;

try {
  processorAtHand();
  const kernel = new HostKernel();
  runVector(
    kernel,
    { id: 'probe', what: '16-bit code', setup: [], drainAtEveryExit: true, guest, expect },
    attachMachineCode,
  );
  kernel.dispose();
} catch (cause) {
  console.log((cause as Error).message.split('\n')[0]);
  process.exitCode = 1;
}
