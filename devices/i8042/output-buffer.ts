import { shape, state } from '../../sdk/index.ts';
import { Status } from './registers.ts';

const None = -1;
/** Above the bits of a byte: it comes from the auxiliary device, or in place of a byte of it that did not come. */
export const IsAuxiliary = 0x100;
export const IsTimedOut = 0x200;

/** The output buffer, which the guest reads, and an answer of the controller that waits until it is empty. */
export class OutputBuffer {
  @state({ as: shape.bits(8) }) protected value = 0;
  @state isFull = false;
  @state private isAuxiliary = false;
  @state private isTimedOut = false;
  @state({ as: shape.integer(None, 0x3ff) }) protected answer = None;

  /** `onChange` is called with each change, also between two bytes. */
  constructor(private readonly onChange: () => void) {}

  get isOfKeyboard(): boolean {
    return this.isFull && !this.isAuxiliary;
  }

  get isOfAuxiliary(): boolean {
    return this.isFull && this.isAuxiliary;
  }

  /** Its bits of the status register. */
  get status(): number {
    const full = (this.isFull ? Status.OutputFull : 0) | (this.isOfAuxiliary ? Status.AuxiliaryFull : 0);
    return full | (this.isTimedOut ? Status.TimeOut : 0);
  }

  /** The guest reads it. An empty buffer shows the last byte. */
  take(): number {
    const { value } = this;
    this.isFull = false;
    this.onChange();
    this.fill();
    return value;
  }

  /** A byte of the keyboard. There must be room. */
  put(byte: number): void {
    this.value = byte & 0xff;
    this.isAuxiliary = (byte & IsAuxiliary) !== 0;
    this.isTimedOut = (byte & IsTimedOut) !== 0;
    this.isFull = true;
    this.onChange();
  }

  /** An answer of the controller. It replaces one that still waits. */
  reply(answer: number): void {
    this.answer = answer;
    this.fill();
  }

  reset(): void {
    this.value = 0;
    this.answer = None;
    this.isFull = this.isAuxiliary = this.isTimedOut = false;
  }

  protected fill(): void {
    const { answer } = this;
    if (answer === None || this.isFull) return;
    this.answer = None;
    this.put(answer);
  }
}
