import {
  device,
  InterruptPin,
  IsaDevice,
  inject,
  type OptionsOf,
  options,
  ResetController,
  shape,
  state,
  VirtualClock,
} from '../sdk/index.ts';
import { Keyboard, type KeyboardLine } from './i8042/keyboard.ts';
import { i8042Options } from './i8042/options.ts';
import { IsAuxiliary, IsTimedOut, OutputBuffer } from './i8042/output-buffer.ts';
import {
  Answer,
  Command,
  commandPort,
  dataPort,
  FirstMode,
  FirstOutputPort,
  Mode,
  OutputPort,
  Status,
  takesParameter,
} from './i8042/registers.ts';
import { type LinkHost, SerialLink } from './i8042/serial-link.ts';

const None = -1;
/** Above the bits of a byte in the input buffer: it is a command. */
const IsCommand = 0x100;

export { i8042Options };

/**
 * The keyboard controller 8042 of a PC with a PS/2 keyboard, whose keys the characters of a terminal press. The auxiliary port is there
 * and no device answers at it. The output port resets the machine. Its bit A20 is kept and can be read back, and has no other
 * effect: the processor has no A20 mask.
 *
 * A byte takes 880 us on the line of the keyboard, and its self test 300 ms. No port is coalesced: each write begins something, or
 * decides what the next one is. A hostile guest can reset its machine, interrupt itself, and leave characters waiting.
 *
 * @see IBM Personal Computer AT Technical Reference, "Keyboard Controller"
 * @see QEMU 7.2, hw/input/pckbd.c, kbd_write_command: commands of the auxiliary port
 */
@device({ type: 'i8042', description: 'Keyboard controller with a PS/2 keyboard; its bit A20 has no effect' })
export class I8042 extends IsaDevice implements KeyboardLine, LinkHost {
  readonly irq = new InterruptPin();
  readonly auxiliaryIrq = new InterruptPin();
  /** @internal */
  @state readonly keyboard: Keyboard;
  /** @internal */
  @state readonly link: SerialLink;
  /** The command byte. */
  @state({ as: shape.bits(8) }) protected mode: number = FirstMode;
  @state({ as: shape.bits(8) }) protected outputPort = FirstOutputPort;
  @state protected readonly output: OutputBuffer = new (this.outputClass())(() => this.updateInterrupts());
  /** The input buffer, while a byte is on its way to the keyboard. */
  @state({ as: shape.integer(None, 0x1ff) }) private input = None;
  /** The command whose parameter is the next byte at the data port. */
  @state({ as: shape.integer(None, 0xff) }) protected pending = None;
  @state protected isCommandLast = false;

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @inject(ResetController) private readonly machine: ResetController,
    @options(i8042Options) private readonly chosen: OptionsOf<typeof i8042Options>,
  ) {
    super();
    this.keyboard = new (this.keyboardClass())(clock, chosen.chardev, this);
    this.link = new SerialLink(clock, this.keyboard, this);
  }

  @dataPort.read()
  readData(): number {
    const value = this.output.take();
    this.link.listen();
    return value;
  }

  @dataPort.write()
  writeData(value: number): void {
    this.isCommandLast = false;
    this.take(value);
  }

  @commandPort.read()
  readStatus(): number {
    const input = (this.input === None ? 0 : Status.InputFull) | (this.isCommandLast ? Status.Command : 0);
    return this.output.status | input | this.system | Status.NotLocked;
  }

  @commandPort.write()
  writeCommand(value: number): void {
    this.isCommandLast = true;
    this.take(value | IsCommand);
  }

  /** The controller and the keyboard. A PC's keyboard keeps its state over a reset of the machine; this one is as at power-on. */
  override reset(): void {
    super.reset();
    this.mode = FirstMode;
    this.outputPort = FirstOutputPort;
    this.input = None;
    this.pending = None;
    this.isCommandLast = false;
    this.output.reset();
    this.link.reset();
    this.keyboard.reset();
    this.updateInterrupts();
  }

  onReady(): void {
    this.link.listen();
  }

  get isInstant(): boolean {
    return this.chosen.instant;
  }

  get mayReceive(): boolean {
    return !this.output.isFull && (this.mode & Mode.KeyboardOff) === 0;
  }

  get isTranslating(): boolean {
    return (this.mode & Mode.Translate) !== 0;
  }

  onReceived(byte: number): void {
    this.output.put(byte);
  }

  onTimeOut(): void {
    this.output.reply(Answer.Resend | IsAuxiliary | IsTimedOut);
  }

  onSent(): void {
    const { input } = this;
    this.input = None;
    if (input !== None) this.process(input);
  }

  /** The status bit SYS. */
  protected get system(): number {
    return this.mode & Mode.System;
  }

  /** The class of the keyboard. A subclass may replace it. @internal */
  protected keyboardClass(): typeof Keyboard {
    return Keyboard;
  }

  /** The class of its output buffer. A subclass may replace it. @internal */
  protected outputClass(): typeof OutputBuffer {
    return OutputBuffer;
  }

  protected execute(command: number): void {
    if (command === Command.ReadMode) this.output.reply(this.mode);
    else if (command === Command.AuxiliaryOff) this.setMode(this.mode | Mode.AuxiliaryOff);
    else if (command === Command.AuxiliaryOn) this.setMode(this.mode & ~Mode.AuxiliaryOff);
    else if (command === Command.KeyboardOff) this.setMode(this.mode | Mode.KeyboardOff);
    else if (command === Command.KeyboardOn) this.setMode(this.mode & ~Mode.KeyboardOff);
    else if (command === Command.SelfTest) this.testItself();
    else if (command === Command.TestKeyboard || command === Command.TestAuxiliary)
      this.output.reply(Answer.LineIsGood);
    else if (command === Command.ReadInputPort) this.output.reply(Answer.NoKeyLock);
    else if (command === Command.ReadOutputPort) this.output.reply(this.outputLevels);
    else if (command === Command.A20On) this.outputPort |= OutputPort.A20;
    else if (command === Command.A20Off) this.outputPort &= ~OutputPort.A20;
    else if (takesParameter(command)) this.pending = command;
    else if (command >= Command.Pulse) this.resetUnless(command);
    else this.guestError(`command 0x${command.toString(16)} of the keyboard controller does nothing`);
  }

  protected testItself(): void {
    this.setMode(this.mode | Mode.System);
    this.output.reply(Answer.TestPassed);
  }

  protected setMode(mode: number): void {
    this.mode = mode;
    this.updateInterrupts();
    this.link.listen();
  }

  /** Whether a full output buffer is an interrupt of the keyboard. */
  protected get interrupts(): boolean {
    return (this.mode & Mode.KeyboardInterrupt) !== 0;
  }

  /** While a byte is on its way the next one stays in the input buffer. */
  private take(value: number): void {
    if (!this.link.isBusy) this.process(value);
    else {
      if (this.input !== None) this.guestError('a byte is written to a full input buffer, and one is lost');
      this.input = value;
    }
  }

  /** A command ends the one before, also where that waits for its parameter. */
  protected process(value: number): void {
    const { pending } = this;
    this.pending = None;
    if (value & IsCommand) this.execute(value & 0xff);
    else if (pending === None) this.send(value);
    else this.takeParameter(pending, value);
  }

  private takeParameter(command: number, value: number): void {
    if (command === Command.WriteMode) this.setMode(value);
    else if (command === Command.WriteOutputPort) this.setOutputPort(value);
    else if (command === Command.WriteKeyboardOutput) this.output.reply(value);
    else if (command === Command.WriteAuxiliaryOutput) this.output.reply(value | IsAuxiliary);
    else this.link.sendUnanswered();
  }

  protected setOutputPort(value: number): void {
    this.outputPort = value;
    this.resetUnless(value);
  }

  /** Bit 0 of the output port is the reset pin of the processor, and here of the machine. */
  private resetUnless(outputs: number): void {
    if ((outputs & OutputPort.NotReset) === 0) this.machine.requestReset('reset by the keyboard controller');
  }

  /** What the pins of the output port show. */
  protected get outputLevels(): number {
    const { isFull, isOfAuxiliary } = this.output;
    const full = (isFull ? OutputPort.Full : 0) | (isOfAuxiliary ? OutputPort.AuxiliaryFull : 0);
    return (this.outputPort & ~OutputPort.Derived) | full;
  }

  /** A byte for the keyboard enables its line. */
  private send(value: number): void {
    this.mode &= ~Mode.KeyboardOff;
    this.link.send(value);
  }

  protected updateInterrupts(): void {
    this.irq.set(this.output.isOfKeyboard && this.interrupts);
    this.auxiliaryIrq.set(this.output.isOfAuxiliary && (this.mode & Mode.AuxiliaryInterrupt) !== 0);
  }
}
