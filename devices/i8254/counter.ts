import { shape, state } from '../../sdk/index.ts';
import type { CountingElement } from './counting-element.ts';
import { Access, ControlWord, Status } from './registers.ts';

const byte = { as: shape.bits(8) };
/** Nothing is latched. */
const None = -1;

/**
 * One of the three counters: the control logic around the counting element, with the output latch (OL) and the status latch.
 *
 * @see Intel 8254 datasheet, order number 231164, "Read Operations" and "Write Operations"
 */
export class IntervalCounter {
  @state readonly element: CountingElement;
  /** The control word: access, mode and BCD. */
  @state({ as: shape.bits(6) }) protected control = Access.Both << ControlWord.Access;
  /** The next byte written is the high one, and the low one is here. */
  @state private writesHigh = false;
  @state(byte) private lowByte = 0;
  /** The next byte read of the running count is the high one. */
  @state private readsHigh = false;
  /** OL, and its bytes that are still to be read: a count is latched until all are. */
  @state({ as: shape.bits(16) }) private latch = 0;
  @state({ as: shape.bits(2) }) private latchedBytes = 0;
  @state({ as: shape.integer(None, 0xff) }) protected statusLatch = None;

  constructor(element: CountingElement) {
    this.element = element;
  }

  /** A control word resets the control logic. */
  program(control: number): void {
    this.control = control;
    this.writesHigh = false;
    this.readsHigh = false;
    this.unlatch();
    this.element.program((control >> ControlWord.Mode) & 7, (control & ControlWord.Decimal) !== 0);
  }

  write(value: number): void {
    const { access } = this;
    if (access === Access.High) this.element.write(value << 8);
    else if (access !== Access.Both) this.element.write(value);
    else if (this.writesHigh) {
      this.writesHigh = false;
      this.element.write((value << 8) | this.lowByte);
    } else {
      this.writesHigh = true;
      this.lowByte = value;
      this.element.writeFirstByte();
    }
  }

  /**
   * The status, if it is latched; then the latched count; then the running one.
   *
   * @see Intel 8254 datasheet, "Read-Back Command": the first read returns the status, whichever was latched first
   */
  read(): number {
    const { statusLatch } = this;
    if (statusLatch !== None) {
      this.statusLatch = None;
      return statusLatch;
    }
    if (this.latchedBytes !== 0) return this.readLatch();
    const isHigh = this.access === Access.High || (this.access === Access.Both && this.readsHigh);
    if (this.access === Access.Both) this.readsHigh = !isHigh;
    return byteOf(this.element.value, isHigh);
  }

  /** A second command is ignored until the count is read. @see Intel 8254 datasheet, "Counter Latch Command" */
  latchCount(): void {
    if (this.latchedBytes !== 0) return;
    this.latch = this.element.value;
    this.latchedBytes = this.access;
  }

  /** @see Intel 8254 datasheet, "Read-Back Command" */
  latchStatus(): void {
    if (this.statusLatch !== None) return;
    const { out, nullCount } = this.element;
    this.statusLatch = (out ? Status.Out : 0) | (nullCount ? Status.NullCount : 0) | this.control;
  }

  reset(): void {
    this.program(Access.Both << ControlWord.Access);
    this.lowByte = 0;
    this.element.reset();
  }

  /** The latches follow the counting element again. */
  protected unlatch(): void {
    this.latchedBytes = 0;
    this.statusLatch = None;
  }

  private get access(): number {
    return (this.control >> ControlWord.Access) & 3;
  }

  private readLatch(): number {
    const isHigh = this.latchedBytes === Access.High;
    this.latchedBytes &= isHigh ? 0 : Access.High;
    return byteOf(this.latch, isHigh);
  }
}

const byteOf = (count: number, isHigh: boolean): number => (isHigh ? count >> 8 : count & 0xff);
