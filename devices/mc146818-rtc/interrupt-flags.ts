import { type InterruptPin, shape, state } from '../../sdk/index.ts';
import { Cause, StatusC } from './registers.ts';

/** Status C and the interrupt line: what happened, and whether anybody asked to be told. */
export class InterruptFlags {
  /** Status C as the guest would read it. */
  @state({ as: shape.bits(8) }) statusC = 0;

  constructor(
    private readonly irq: InterruptPin,
    private readonly chip: { readonly statusB: number },
  ) {
    irq.highWhile = () => (this.statusC & StatusC.InterruptRequest) !== 0;
  }

  /** Something happened. The line goes up if that is enabled; for what was there before it is up already. */
  happen(causes: number): void {
    this.statusC |= causes;
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
    this.statusC &= Cause.Any;
    if (this.statusC & this.chip.statusB) this.request();
    else this.irq.set(false);
  }

  /** What happened since the last time, now forgotten; the line goes down. */
  take(): number {
    const happened = this.statusC;
    this.statusC = 0;
    this.irq.set(false);
    return happened;
  }

  private request(): void {
    this.statusC |= StatusC.InterruptRequest;
    this.irq.set(true);
  }
}
