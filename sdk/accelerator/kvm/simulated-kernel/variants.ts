import { BackplaneError } from '../../../base/errors.ts';
import { OldRingProducer, RingProducer } from '../coalesced-ring.ts';

/**
 * Whose virtualization: Intel's VMX asks a bus of its own for memory ioeventfds without a length, before any zone. AMD's SVM does
 * not: there they are ioeventfds like others. @see arch/x86/kvm/vmx/vmx.c, handle_ept_misconfig
 */
export const processors = ['intel', 'amd'] as const;
export type Processor = (typeof processors)[number];

/** Whose arithmetic of the ring: Linux 6.12 corrected it. */
export const ringArithmetics = ['6.12', 'before-6.12'] as const;
export type RingArithmetic = (typeof ringArithmetics)[number];

/** In which ways one KVM differs from another. */
export interface KernelVariant {
  /** Default: 'intel'. */
  readonly processor?: Processor;
  /** Default: '6.12', which is also that of every later Linux. */
  readonly ring?: RingArithmetic;
}

export function kernelVariant({ processor = 'intel', ring = '6.12' }: KernelVariant): Required<KernelVariant> {
  refuseOther('processor', processor, processors);
  refuseOther('ring', ring, ringArithmetics);
  return { processor, ring };
}

export const ringProducer = (ring: RingArithmetic, page: DataView): RingProducer =>
  ring === '6.12' ? new RingProducer(page) : new OldRingProducer(page);

function refuseOther(option: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  const values = known.map((one) => `'${one}'`).join(' or ');
  throw new BackplaneError(
    'invalid-accelerator-option',
    `Simulated kernel: '${option}' is '${value}'. Give ${values}.`,
  );
}
