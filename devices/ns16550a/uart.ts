import { CharBackend } from '../../sdk/backend.ts';
import {
  defineOptions,
  InterruptPin,
  inject,
  type OptionsOf,
  option,
  options,
  shape,
  state,
  VirtualClock,
} from '../../sdk/index.ts';
import type { SerialLine } from '../parts/serial-line.ts';
import { SerialReceiver } from '../parts/serial-receiver.ts';
import { SerialTransmitter } from '../parts/serial-transmitter.ts';
import { characterTime } from './frame.ts';
import { Ns16550aModem } from './modem.ts';
import * as registers from './registers.ts';
import { Cause, Enable, Fifos, Status } from './registers.ts';

const Depth = 16;
const triggers = [1, 4, 8, 14] as const;
/** Above the bits of a received character: it is a break, and the guest has not been told. */
const Break = 0x100;
/** Characters of silence that end a reception. @see National PC16550D datasheet, 8.5 "FIFO Interrupt Mode Operation" */
const SilentCharacters = 4;

/** The options of every form of the chip. */
export const ofChip = {
  chardev: option.backend(CharBackend, { description: 'where its characters go and come from' }),
  frequency: option.integer({ description: 'of its clock', unit: 'Hz', default: 1_843_200, range: [1, 1_000_000_000] }),
  instant: option.boolean({ description: 'characters take no time, as in QEMU', default: false }),
} as const;
export const ns16550aOptions = defineOptions(ofChip);

/**
 * The UART PC16550D with FIFOs. A character takes the time of its bits. While the receiver is full, or in loop-back, the host waits,
 * as with flow control: only loop-back and breaks overrun. Where the host takes nothing, a character stays in the shift register,
 * and the guest sees a transmitter that does not get empty.
 *
 * Not modelled: parity and framing errors, breaks of the guest, DMA, and the delay of the transmitter's interrupt by a character.
 * A hostile guest can send bytes, leave those of the host waiting, and interrupt itself.
 *
 * @see National PC16550D datasheet, 8.0 "Registers"
 */
export abstract class Ns16550a extends Ns16550aModem implements SerialLine {
  readonly irq = new InterruptPin(() => this.interrupts);
  @registers.lineControl lineControl = 0;
  @registers.received readonly received = 0;
  @registers.divisorLow divisorLow = 12;
  @registers.interruptEnable interruptEnable = 0;
  @registers.divisorHigh divisorHigh = 0;
  @registers.fifoControl fifoControl = 0;
  @registers.scratch scratch = 0;
  @state protected readonly receiver: SerialReceiver;
  @state protected readonly transmitter: SerialTransmitter;
  /** The receiver buffer without FIFOs, which stays when it was read. */
  @state({ as: shape.bits(8) }) private lastReceived = 0;
  @state private hasOverrun = false;
  @state private isTimedOut = false;
  /** The transmitter is empty, and the guest has not been told. */
  @state protected isEmptied = false;

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @options(ns16550aOptions) protected readonly chip: OptionsOf<typeof ns16550aOptions>,
  ) {
    super();
    const { chardev } = chip;
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
    this.isTimedOut = false;
    if (fifo.length === 0) return this.hasFifos ? 0 : this.lastReceived;
    const character = fifo.shift() & 0xff;
    this.receiver.awaitSilence();
    this.receiver.listen();
    return character;
  }

  @registers.sent
  transmit(character: number): void {
    const { transmitter } = this;
    if (transmitter.isFull) {
      this.guestError('a character is written to a full transmitter, and one is lost');
      if (this.hasFifos) return;
      transmitter.clear();
    }
    this.isEmptied = false;
    transmitter.write(character);
  }

  @registers.interruptEnable.onWrite('transmitterEmpty')
  reportEmpty(isIt: number, wasIt: number): void {
    if (isIt !== wasIt) this.isEmptied = isIt === 1 && this.transmitter.isEmpty;
  }

  @registers.identification
  get identification(): number {
    return this.cause | (this.hasFifos ? registers.identification.fields.fifos.mask : 0);
  }

  /** @see National PC16550D datasheet, TABLE 4 "Interrupt Control Functions" */
  @registers.identification.onRead('cause')
  acknowledgeEmpty(cause: number): void {
    if (cause === Cause.TransmitterEmpty) this.isEmptied = false;
  }

  /** A change of the enable bit clears both FIFOs. Without that bit the others are not taken. */
  @registers.fifoControl.onWrite()
  setFifos(value: number, previous: number): number {
    const isChanged = ((value ^ previous) & Fifos.Enable) !== 0;
    const kept = value & Fifos.Enable ? value & Fifos.Kept : 0;
    this.clearFifos(isChanged ? Fifos.ClearBoth : kept === 0 ? 0 : value);
    this.fifoControl = kept;
    this.receiver.listen();
    return kept;
  }

  override setModemControl(): void {
    super.setModemControl();
    this.transmitter.resume();
    this.receiver.listen();
  }

  @registers.lineStatus
  get lineStatus(): number {
    const { fifo } = this.receiver;
    const isEmpty = this.transmitter.isEmpty ? Status.HoldingEmpty : 0;
    const isIdle = this.transmitter.isIdle ? Status.TransmitterEmpty : 0;
    const errorInFifo = this.hasFifos && fifo.hasAbove(Break) ? Status.ErrorInFifo : 0;
    return (fifo.length > 0 ? Status.DataReady : 0) | this.lineErrors | isEmpty | isIdle | errorInFifo;
  }

  @registers.lineStatus.onRead()
  clearErrors(): void {
    const { fifo } = this.receiver;
    this.hasOverrun = false;
    fifo.replace(fifo.at(0) & 0xff);
  }

  override reset(): void {
    super.reset();
    Object.assign(this, { lastReceived: 0, hasOverrun: false, isTimedOut: false, isEmptied: false });
    this.transmitter.reset();
    this.receiver.reset();
  }

  get depth(): number {
    return this.hasFifos ? Depth : 1;
  }

  get maySend(): boolean {
    return true;
  }

  get mayReceive(): boolean {
    return !this.isLooped;
  }

  get wordMask(): number {
    return 0xff >> (3 - registers.lineControl.fields.wordLength.of(this.lineControl));
  }

  get transferTime(): number {
    return this.chip.instant ? 0 : this.characterTime;
  }

  get silenceTime(): number {
    return this.hasFifos ? SilentCharacters * this.characterTime : 0;
  }

  onLeft(): void {
    if (this.transmitter.isEmpty) this.isEmptied = true;
  }

  /** Without FIFOs it takes the place of one that was not read. */
  onReceived(character: number, isLost: boolean): void {
    if (isLost) this.hasOverrun = true;
    if (this.hasFifos) return;
    if (isLost) this.receiver.fifo.replace(character);
    this.lastReceived = character & 0xff;
  }

  onSilence(): void {
    this.isTimedOut = true;
  }

  protected clearFifos(which: number): void {
    if (which & Fifos.ClearReceive) {
      this.receiver.clear();
      this.isTimedOut = false;
    }
    if (which & Fifos.ClearTransmit) {
      this.transmitter.clear();
      this.isEmptied = true;
    }
  }

  /** The pin INTR. */
  protected get interrupts(): boolean {
    return this.cause !== Cause.None;
  }

  /** The cause with the highest priority. @see National PC16550D datasheet, TABLE 4 "Interrupt Control Functions" */
  private get cause(): number {
    const { interruptEnable: enable } = this;
    if (enable & Enable.LineStatus && this.lineErrors !== 0) return Cause.LineStatus;
    if (enable & Enable.Received && this.isTimedOut) return Cause.TimeOut;
    if (enable & Enable.Received && this.receiver.fifo.length >= this.trigger) return Cause.Received;
    if (enable & Enable.TransmitterEmpty && this.isEmptied) return Cause.TransmitterEmpty;
    return enable & Enable.ModemStatus && this.deltas !== 0 ? Cause.ModemStatus : Cause.None;
  }

  private get lineErrors(): number {
    const { fifo } = this.receiver;
    const isAtBreak = fifo.length > 0 && fifo.at(0) >= Break;
    return (this.hasOverrun ? Status.Overrun : 0) | (isAtBreak ? Status.Break : 0);
  }

  private get hasFifos(): boolean {
    return (this.fifoControl & Fifos.Enable) !== 0;
  }

  private get trigger(): number {
    return this.hasFifos ? (triggers[registers.fifoControl.fields.trigger.of(this.fifoControl)] as number) : 1;
  }

  private get characterTime(): number {
    const divisor = (this.divisorHigh << 8) | this.divisorLow;
    return characterTime(this.lineControl, divisor, this.chip.frequency);
  }
}
