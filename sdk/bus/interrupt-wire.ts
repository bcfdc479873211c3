import type { InterruptPin, Token } from '../device/index.ts';

/**
 * A wire as a value: where a pin goes, said in a machine definition before the machine exists. The machine resolves the
 * service and connects.
 */
export class InterruptWire<S = unknown> {
  constructor(
    /** What the wire leads to, for messages and the qtree: 'ISA IRQ 8'. */
    readonly description: string,
    /** The service that owns the other end. */
    readonly service: Token<S>,
    private readonly solder: (pin: InterruptPin, service: S) => () => void,
    /** Why it leads nowhere, if it does not: reported with all other wiring mistakes. */
    readonly problem: string | undefined = undefined,
  ) {}

  /** Connects the pin, and answers how to take the wire off again. */
  connect(pin: InterruptPin, service: S): () => void {
    return this.solder(pin, service);
  }
}
