import type { InterruptPin } from '../../sdk/index.ts';
import { Cause, StatusC } from './registers.ts';

/**
 * Status C and the interrupt line. Each flag has its enable bit at the same position of status B. IRQF and the pin
 * follow from the two.
 *
 * @see Motorola MC146818A datasheet, "IRQF" of Register C
 */
export class InterruptFlags {
  constructor(
    private readonly irq: InterruptPin,
    private readonly chip: { readonly statusB: number; statusC: number },
  ) {
    irq.highWhile = () => (this.chip.statusC & StatusC.InterruptRequest) !== 0;
  }

  /** Sets flags. The line rises if one of them is enabled. */
  raise(causes: number): void {
    this.chip.statusC |= causes;
    this.updateIrq();
  }

  /** A flag or an enable bit changed. */
  updateIrq(): void {
    const isRequested = (this.chip.statusC & this.chip.statusB & Cause.Any) !== 0;
    this.chip.statusC = (this.chip.statusC & Cause.Any) | (isRequested ? StatusC.InterruptRequest : 0);
    this.irq.set(isRequested);
  }
}
