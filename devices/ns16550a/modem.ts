import { Device, InterruptPin, input, shape, state } from '../../sdk/index.ts';
import { Modem, modemControl, modemStatus } from './registers.ts';

/** Inputs in the order of the modem status. */
const Input = { Cts: 0x1, Dsr: 0x2, Ri: 0x4, Dcd: 0x8 } as const;

/** The lines to and from the modem. A pin is high where the line is asserted; without a wire a modem is ready and has a carrier. */
export abstract class Ns16550aModem extends Device {
  readonly dtr = new InterruptPin(() => this.drives(Modem.Dtr));
  readonly rts = new InterruptPin(() => this.drives(Modem.Rts));
  readonly out1 = new InterruptPin(() => this.drives(Modem.Out1));
  readonly out2 = new InterruptPin(() => this.drives(Modem.Out2));
  @modemControl modemControl = 0;
  /** Inputs that have changed since the guest has read the status. */
  @state({ as: shape.bits(4) }) protected deltas = 0;
  @state({ as: shape.bits(4) }) private seen = 0;
  @state({ as: shape.bits(4), atReset: 'kept' }) private pins = Input.Cts | Input.Dsr | Input.Dcd;

  @input({ unconnected: true, description: 'clear to send' })
  cts(level: boolean): void {
    this.drive(Input.Cts, level);
  }

  @input({ unconnected: true, description: 'data set ready' })
  dsr(level: boolean): void {
    this.drive(Input.Dsr, level);
  }

  @input({ description: 'ring indicator' })
  ri(level: boolean): void {
    this.drive(Input.Ri, level);
  }

  @input({ unconnected: true, description: 'data carrier detect' })
  dcd(level: boolean): void {
    this.drive(Input.Dcd, level);
  }

  @modemControl.onWrite()
  setModemControl(): void {
    this.noteLines();
  }

  @modemStatus
  get modemStatus(): number {
    return (this.lines << 4) | this.deltas;
  }

  @modemStatus.onRead()
  clearDeltas(): void {
    this.deltas = 0;
  }

  override reset(): void {
    super.reset();
    this.seen = this.lines;
    this.deltas = 0;
  }

  /** Loop-back: what is sent is received, and the lines outside are not connected. */
  get isLooped(): boolean {
    return (this.modemControl & Modem.Loop) !== 0;
  }

  /** Whether an output is on. In loop-back all are off. */
  protected drives(output: number): boolean {
    return !this.isLooped && (this.modemControl & output) !== 0;
  }

  /** Reports changes; of RI, that it has fallen. */
  protected noteLines(): void {
    const { lines } = this;
    this.deltas |= (lines ^ this.seen) & ~(lines & Input.Ri);
    this.seen = lines;
  }

  /** Pins, or in loop-back the outputs. @see National PC16550D datasheet, 8.6 "MODEM Control Register" */
  private get lines(): number {
    if (!this.isLooped) return this.pins;
    const { modemControl: control } = this;
    return ((control >> 1) & 1) | ((control & 1) << 1) | (control & (Modem.Out1 | Modem.Out2));
  }

  private drive(line: number, level: boolean): void {
    this.pins = level ? this.pins | line : this.pins & ~line;
    this.noteLines();
  }
}
