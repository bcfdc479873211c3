import { shape, state } from '../../sdk/index.ts';

const byte = { as: shape.bits(8) };

/**
 * IRR, the interrupt request register, and the edge sense latches before it, a bit for each input. A request lasts
 * while its input is high, also in edge mode: an input that falls before INTA has no request any more.
 *
 * @see Intel 8259A datasheet, order number 231468, Figure "Priority Cell", and section "Edge and Level Triggered Modes"
 */
export class InterruptRequests {
  /** IRR, the interrupt request register. */
  @state(byte) pending = 0;
  /** From a poll command to the read that answers it, IRR is frozen. @see Intel 8259A datasheet, "Poll Command" */
  @state frozen = false;
  @state(byte) protected levels = 0;
  /** Edge sense latches: inputs that have been low since INTA or ICW1. Only these can request by an edge. */
  @state(byte) private armed = 0xff;

  constructor(protected readonly levelTriggered: () => number) {}

  setInput(bit: number, level: boolean): void {
    this.levels = level ? this.levels | bit : this.levels & ~bit;
    this.sample();
  }

  /** Updates the latches and IRR from the inputs. */
  sample(): void {
    this.armed |= ~this.levels & 0xff;
    if (!this.frozen) this.pending = this.levels & (this.levelTriggered() | this.armed);
  }

  /** INTA of an input. A level-triggered input requests again while it is high. */
  served(bit: number): void {
    this.armed &= ~bit;
    this.pending &= ~bit;
    this.sample();
  }

  freeze(): void {
    this.frozen = true;
  }

  thaw(): void {
    this.frozen = false;
    this.sample();
  }

  /** An input that is high must fall before it can request by an edge. */
  reset(): void {
    this.armed = 0;
    this.thaw();
  }
}
