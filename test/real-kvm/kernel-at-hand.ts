import { readFileSync } from 'node:fs';
import type { SimulatedKernelOptions } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import type { KernelVariant, Processor, RingArithmetic } from '../../sdk/accelerator/kvm/simulated-kernel/variants.ts';
import { HostKernel } from '../../sdk/host-kvm/host-kernel.ts';
import { MachineCodeGuest } from './random/guests.ts';
import { ScriptBench } from './random/script-bench.ts';

/** What of the real kernel decides which vectors hold. */
export type KernelAtHand = Required<KernelVariant>;

const Writes = 2000;
/** Returns to userspace of so many writes to one port with a zone, the HLT behind them counted. */
const ReturnsOf: Readonly<Record<number, RingArithmetic>> = { 12: '6.12', 13: 'before-6.12' };

/** Asks the real kernel: which module it has, and how many returns a burst of writes takes. */
export function kernelAtHand(): KernelAtHand & { readonly returns: number } {
  const kernel = new HostKernel();
  try {
    const bench = new ScriptBench(kernel, (vcpuFd, ram) => new MachineCodeGuest(kernel, vcpuFd, ram));
    const events = bench.run({
      drain: 'exit',
      steps: [
        { op: 'register', address: 0x70, size: 1, pio: 1, at: 'halt' },
        { op: 'out', port: 0x70, size: 1, value: 0, times: Writes },
      ],
    });
    const returns = events?.filter((event) => /^(out|hlt)\b/.test(event)).length ?? 0;
    const ring = ReturnsOf[returns];
    if (ring === undefined) throw new Error(`${Writes} writes took ${returns} returns: neither arithmetic of the ring`);
    return { processor: processorAtHand(), ring, returns };
  } finally {
    kernel.dispose();
  }
}

/** By the flags of the processor that runs the kernel: `svm` or `vmx`. */
export function processorAtHand(): Processor {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  if (/\bsvm\b/.test(flags)) return 'amd';
  if (/\bvmx\b/.test(flags)) return 'intel';
  throw new Error('/proc/cpuinfo names neither svm nor vmx');
}

/** Options of a simulated kernel that is like the real one. */
export const simulatedLike = ({ processor, ring }: KernelAtHand): SimulatedKernelOptions => ({ processor, ring });

export function describeKernel({ processor, ring, returns }: ReturnType<typeof kernelAtHand>): string {
  const arithmetic = ring === '6.12' ? 'Linux 6.12 and later' : 'Linux before 6.12';
  return `${processor === 'intel' ? 'VMX' : 'SVM'}; the ring has the arithmetic of ${arithmetic}: ${Writes} writes took ${returns} returns.`;
}
