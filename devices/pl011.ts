import { CharBackend } from '../sdk/backend.ts';
import {
  defineOptions,
  device,
  InterruptPin,
  inject,
  type OptionsOf,
  option,
  options,
  SECOND,
  shape,
  state,
  VirtualClock,
} from '../sdk/index.ts';
import type { SerialLine } from './parts/serial-line.ts';
import { SerialReceiver } from './parts/serial-receiver.ts';
import { SerialTransmitter } from './parts/serial-transmitter.ts';
import { Pl011Modem } from './pl011/modem.ts';
import * as registers from './pl011/registers.ts';
import { Interrupt, pl011Registers } from './pl011/registers.ts';

export { pl011Registers };

const Depth = 16;
/** Of 16 characters, by the value of UARTIFLS. Values above are reserved, and mean half. */
const levels = [2, 4, 8, 12, 14] as const;
const Half = 8;
/** In an entry of the receive FIFO, as UARTDR shows it. */
const Break = 0x400;
const ReceiveError = { Break: 0x4, Overrun: 0x8 } as const;
/** Bit periods without a character. @see Arm DDI 0183, 3.3.11 "Raw Interrupt Status Register" and 2.8 "Interrupts" */
const SilentBits = 32;
/** Clocks of the divided clock for each bit, and parts of the divisor. */
const [ClocksPerBit, Parts] = [16, 64];

export const pl011Options = defineOptions({
  chardev: option.backend(CharBackend, { description: 'where its characters go and come from' }),
  frequency: option.integer({ description: 'of UARTCLK', unit: 'Hz', default: 24_000_000, range: [1, 1_000_000_000] }),
  instant: option.boolean({
    description: 'characters take no time, as in QEMU',
    default: false,
  }),
});

/**
 * PL011: a UART with FIFOs of 16 characters. A character takes the time of its bits; without a baud rate divisor nothing is sent. The
 * host waits while the receiver is full, as with flow control: only loop-back and breaks overrun.
 *
 * Not modelled: infrared, parity and framing errors, breaks of the guest, DMA. A hostile guest can send bytes, leave those of the
 * host waiting, and interrupt itself.
 *
 * @see Arm DDI 0183, 2.4 "UART operation", 2.8 "Interrupts" and 3.3 "Register descriptions"
 */
@device({ type: 'pl011', description: 'PL011 UART' })
export class Pl011 extends Pl011Modem implements SerialLine {
  readonly irq = new InterruptPin(() => this.maskedStatus !== 0);
  @registers.received readonly received = 0;
  @registers.lowPower lowPower = 0;
  @registers.integerBaud integerBaud = 0;
  @registers.fractionalBaud fractionalBaud = 0;
  @registers.lineControl lineControl = 0;
  @registers.fifoLevel fifoLevel = 0x12;
  @registers.mask mask = 0;
  @registers.dmaControl dmaControl = 0;
  @registers.identification readonly identification = Uint32Array.of(0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1);
  @state protected readonly receiver: SerialReceiver;
  @state protected readonly transmitter: SerialTransmitter;
  @state({ as: shape.bits(4) }) private errors = 0;

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @options(pl011Options) protected readonly config: OptionsOf<typeof pl011Options>,
  ) {
    super();
    const { chardev } = config;
    this.receiver = new SerialReceiver(clock, chardev, this, Depth);
    this.transmitter = new SerialTransmitter(clock, chardev, this, this.receiver, Depth);
    chardev.connect({
      onReceive: () => this.receiver.listen(),
      onWritable: () => this.transmitter.resume(),
      onBreak: () => this.receiver.receive(Break),
    });
  }

  @registers.received.onRead()
  takeCharacter(): number {
    const { fifo } = this.receiver;
    const character = fifo.shift();
    this.errors = (this.errors & ReceiveError.Overrun) | (character & Break ? ReceiveError.Break : 0);
    if (fifo.length < this.receiveLevel) this.latched &= ~Interrupt.Receive;
    if (fifo.length === 0) this.latched &= ~Interrupt.ReceiveTimeout;
    this.receiver.listen();
    return character;
  }

  @registers.sent
  transmit(character: number): void {
    const { transmitter } = this;
    if (transmitter.isFull) {
      this.guestError('the transmit FIFO is full: a character is lost');
      return;
    }
    transmitter.write(character & 0xff);
    if (transmitter.fifo.length > this.transmitLevel) this.latched &= ~Interrupt.Transmit;
    if (!this.maySend) this.guestError('a character waits: the UART is not enabled, or has no baud rate divisor');
  }

  @registers.receiveStatus
  get receiveStatus(): number {
    return this.errors;
  }

  @registers.errorClear
  clearErrors(): void {
    this.errors = 0;
  }

  @registers.flags
  get flags(): number {
    const { receiver, transmitter, lines } = this;
    return (
      ((lines & Interrupt.Cts) >> 1) |
      ((lines & Interrupt.Dsr) >> 2) |
      (lines & Interrupt.Dcd) |
      (transmitter.isIdle ? 0 : 0x08) |
      (receiver.fifo.length === 0 ? 0x10 : 0) |
      (transmitter.isFull ? 0x20 : 0) |
      (receiver.isFull ? 0x40 : 0) |
      (transmitter.isEmpty ? 0x80 : 0) |
      ((lines & Interrupt.Ri) << 8)
    );
  }

  /** A change of the enable bit empties the FIFOs. */
  @registers.lineControl.onWrite('fifoEnable')
  enableFifos(isIt: number, wasIt: number): void {
    if (isIt === wasIt) return;
    this.receiver.clear();
    this.receiver.listen();
    this.transmitter.clear();
  }

  @registers.integerBaud.onWrite()
  override configure(): void {
    super.configure();
    this.transmitter.resume();
    this.receiver.listen();
  }

  @registers.rawStatus
  get rawStatus(): number {
    return this.latched;
  }

  @registers.maskedStatus
  get maskedStatus(): number {
    return this.latched & this.mask;
  }

  @registers.clear
  clearInterrupts(value: number): void {
    this.latched &= ~value;
  }

  override reset(): void {
    super.reset();
    this.errors = 0;
    this.transmitter.reset();
    this.receiver.reset();
  }

  get depth(): number {
    return registers.lineControl.fields.fifoEnable.of(this.lineControl) === 1 ? Depth : 1;
  }

  get maySend(): boolean {
    const isStopped = this.has('ctsFlowControl') && (this.lines & Interrupt.Cts) === 0;
    return this.has('enable') && this.has('transmitEnable') && this.hasClock && !isStopped;
  }

  get mayReceive(): boolean {
    return this.has('enable') && this.has('receiveEnable') && this.hasClock && !this.isLooped;
  }

  get wordMask(): number {
    return 0xff >> (3 - registers.lineControl.fields.wordLength.of(this.lineControl));
  }

  get transferTime(): number {
    const { parityEnable, twoStopBits, wordLength } = registers.lineControl.fields;
    const { lineControl } = this;
    const word = 5 + wordLength.of(lineControl);
    const bits = 2 + word + parityEnable.of(lineControl) + twoStopBits.of(lineControl);
    return this.config.instant ? 0 : bits * this.bitTime;
  }

  get silenceTime(): number {
    return SilentBits * this.bitTime;
  }

  /** The interrupt comes when the FIFO falls to its level, or without FIFOs when the holding register is empty. */
  onLeft(): void {
    if (this.transmitter.fifo.length === this.transmitLevel) this.latched |= Interrupt.Transmit;
  }

  /** @see Arm DDI 0183, 3.3.1 "Data Register, UARTDR": the break is in the entry of its character */
  onReceived(character: number, isLost: boolean): void {
    if (isLost) {
      this.errors |= ReceiveError.Overrun;
      this.latched |= Interrupt.Overrun;
      return;
    }
    if (character & Break) this.latched |= Interrupt.Break;
    if (this.receiver.fifo.length === this.receiveLevel) this.latched |= Interrupt.Receive;
  }

  onSilence(): void {
    this.latched |= Interrupt.ReceiveTimeout;
  }

  protected override get hasRoom(): boolean {
    return this.receiver.fifo.length < this.receiveLevel;
  }

  protected get receiveLevel(): number {
    return this.depth === 1 ? 1 : (levels[registers.fifoLevel.fields.receive.of(this.fifoLevel)] ?? Half);
  }

  private get transmitLevel(): number {
    return this.depth === 1 ? 0 : (levels[registers.fifoLevel.fields.transmit.of(this.fifoLevel)] ?? Half);
  }

  /** The divisor 0 stops the clock. */
  private get hasClock(): boolean {
    return this.config.instant || this.integerBaud !== 0;
  }

  /** Nanoseconds. @see Arm DDI 0183, 3.3.6 "Fractional Baud Rate Register, UARTFBRD" */
  private get bitTime(): number {
    const divisor = this.integerBaud + this.fractionalBaud / Parts;
    return Math.ceil((ClocksPerBit * divisor * SECOND) / this.config.frequency);
  }
}
