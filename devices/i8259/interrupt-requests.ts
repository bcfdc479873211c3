import { shape, state } from '../../sdk/index.ts';

const byte = { as: shape.bits(8) };

/**
 * The interrupt request register and the edge sense latches before it, a bit for each input. A request lasts as long as its
 * input is high, one by an edge too: an input that falls before it is acknowledged asks for nothing any more.
 *
 * @see Intel 8259A datasheet, order number 231468, Figure "Priority Cell", and section "Edge and Level Triggered Modes"
 */
export class InterruptRequests {
  /** IRR. */
  @state(byte) pending = 0;
  /** From a poll command to the read that answers it, IRR stays as it is. */
  @state frozen = false;
  @state(byte) protected levels = 0;
  /** Inputs that have been low since they were served or initialized: only these can ask by an edge. */
  @state(byte) private armed = 0xff;

  constructor(protected readonly levelTriggered: () => number) {}

  setInput(bit: number, level: boolean): void {
    this.levels = level ? this.levels | bit : this.levels & ~bit;
    this.sample();
  }

  /** Looks at the inputs. */
  sample(): void {
    this.armed |= ~this.levels & 0xff;
    if (!this.frozen) this.pending = this.levels & (this.levelTriggered() | this.armed);
  }

  /** The input has been acknowledged. A level asks again as long as it is high. */
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

  /** Inputs that are high have to fall before they can ask by an edge. */
  reset(): void {
    this.armed = 0;
    this.thaw();
  }
}
