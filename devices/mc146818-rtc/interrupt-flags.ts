import type { InterruptPin } from '../../sdk/index.ts';
import { Cause, StatusC } from './registers.ts';

/** Status C and the interrupt line: what happened, and whether anybody asked to be told. */
export class InterruptFlags {
  constructor(
    private readonly irq: InterruptPin,
    private readonly chip: { readonly statusB: number; statusC: number },
  ) {
    irq.highWhile = () => (this.chip.statusC & StatusC.InterruptRequest) !== 0;
  }

  /** Something happened. The line goes up if that is enabled; for what was there before it is up already. */
  happen(causes: number): void {
    this.chip.statusC |= causes;
    if (causes & this.chip.statusB) this.request();
  }

  /** A period is over. True if the guest can notice: while the line is up, one tick more makes no difference. */
  tick(): boolean {
    const noticeable = !this.irq.level;
    this.happen(Cause.Periodic);
    return noticeable;
  }

  /** The enable bits changed: a cause that is enabled late interrupts at once, a disabled one lets go of the line. */
  reconsider(): void {
    this.chip.statusC &= Cause.Any;
    if (this.chip.statusC & this.chip.statusB) this.request();
    else this.irq.set(false);
  }

  private request(): void {
    this.chip.statusC |= StatusC.InterruptRequest;
    this.irq.set(true);
  }
}
