import { InterruptPin, input, SystemDevice, shape, state } from '../../sdk/index.ts';
import { control, Interrupt } from './registers.ts';

/** Bits of UARTCR that the chip looks at. */
export type Pl011ControlBit =
  | ('enable' | 'loopBack' | 'transmitEnable' | 'receiveEnable' | 'dtr' | 'rts' | 'out1' | 'out2')
  | ('rtsFlowControl' | 'ctsFlowControl');

/** The lines to and from the modem. A pin is high where the line is asserted. */
export abstract class Pl011Modem extends SystemDevice {
  readonly dtr = new InterruptPin(() => this.drives('dtr'));
  readonly rts = new InterruptPin(() => (this.has('rtsFlowControl') ? this.hasRoom : this.drives('rts')));
  readonly out1 = new InterruptPin(() => this.drives('out1'));
  readonly out2 = new InterruptPin(() => this.drives('out2'));
  @control control = 0x300;
  /** The raw interrupts, all of which are latched. */
  @state({ as: shape.bits(11) }) protected latched = 0;
  /** The pins, and as they were looked at last: a bit for each, that of its interrupt. */
  @state({ as: shape.bits(4), atReset: 'kept' }) private pins = 0;
  @state({ as: shape.bits(4) }) private seen = 0;

  @input({ description: 'ring indicator' })
  ri(level: boolean): void {
    this.drive(Interrupt.Ri, level);
  }

  @input({ description: 'clear to send' })
  cts(level: boolean): void {
    this.drive(Interrupt.Cts, level);
    this.configure();
  }

  @input({ description: 'data carrier detect' })
  dcd(level: boolean): void {
    this.drive(Interrupt.Dcd, level);
  }

  @input({ description: 'data set ready' })
  dsr(level: boolean): void {
    this.drive(Interrupt.Dsr, level);
  }

  /** Something that the chip depends on has changed. */
  @control.onWrite()
  configure(): void {
    this.noteLines();
  }

  override reset(): void {
    super.reset();
    this.latched = 0;
    this.seen = this.lines;
  }

  /** Loop-back: what is sent is received, and the lines outside are not connected. */
  get isLooped(): boolean {
    return this.has('loopBack');
  }

  protected has(field: Pl011ControlBit): boolean {
    return control.fields[field].of(this.control) === 1;
  }

  /** The receiver asks for more. */
  protected abstract get hasRoom(): boolean;

  /** Pins, or in loop-back the outputs. @see Arm DDI 0183, 2.4.4 "UART operation": loopback */
  protected get lines(): number {
    if (!this.isLooped) return this.pins;
    const { Cts, Dsr, Dcd, Ri } = Interrupt;
    return (
      (this.has('rts') ? Cts : 0) |
      (this.has('dtr') ? Dsr : 0) |
      (this.has('out1') ? Dcd : 0) |
      (this.has('out2') ? Ri : 0)
    );
  }

  private drives(output: 'dtr' | 'rts' | 'out1' | 'out2'): boolean {
    return !this.isLooped && this.has(output);
  }

  private drive(line: number, level: boolean): void {
    this.pins = level ? this.pins | line : this.pins & ~line;
    this.noteLines();
  }

  private noteLines(): void {
    const { lines } = this;
    this.latched |= lines ^ this.seen;
    this.seen = lines;
  }
}
