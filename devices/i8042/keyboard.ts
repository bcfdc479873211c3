import type { CharBackend } from '../../sdk/backend.ts';
import { MILLISECOND, shape, state, type Timer, type VirtualClock } from '../../sdk/index.ts';
import { Fifo } from '../parts/fifo.ts';
import { scanCodes } from './scan-codes.ts';
import { TerminalKeys } from './terminal-keys.ts';

/** @see IBM Personal Computer AT Technical Reference, "Commands from the System" */
const Command = {
  SetLights: 0xed,
  Echo: 0xee,
  SelectSet: 0xf0,
  ReadId: 0xf2,
  SetRate: 0xf3,
  Enable: 0xf4,
  Disable: 0xf5,
  SetDefault: 0xf6,
  /** Up to 0xfa: keys of set 3 become typematic, make and break, or make only. */
  SetAllKeys: 0xf7,
  LastOfAllKeys: 0xfa,
  /** Up to 0xfd: the same for one key, which follows. */
  SetKey: 0xfb,
  LastOfKey: 0xfd,
  Resend: 0xfe,
  Reset: 0xff,
} as const;
/** @see IBM Personal Computer AT Technical Reference, "Commands to the System" */
const Answer = { Acknowledge: 0xfa, TestPassed: 0xaa, Resend: 0xfe, Id: [0xab, 0x83] } as const;
/** A byte from here on is a command, also where a parameter is expected. */
const FirstCommand = 0xed;
/** @see IBM Personal Computer AT Technical Reference, "Reset": the basic assurance test takes 300 to 500 ms */
const SelfTestTime = 300 * MILLISECOND;
const None = -1;
const Buffered = 16;
const Answers = 4;

/** What the keyboard asks the controller at the other end of its line, and reports to it. */
export interface KeyboardLine {
  /** The keyboard's self test takes no time. */
  readonly isInstant: boolean;
  /** A byte can be fetched. */
  onReady(): void;
}

/**
 * A PS/2 keyboard with 101 keys and the scan code sets 1 and 2. The characters of a back end press its keys. A character
 * waits there until the one before was sent, and while the guest has disabled the keyboard.
 *
 * @see IBM Personal Computer AT Technical Reference, "Commands from the System"
 */
export class Keyboard {
  @state protected scanSet = 2;
  @state private isEnabled = true;
  /** The command whose parameter is expected. */
  @state({ as: shape.integer(None, 0xff) }) private pending = None;
  /** It resends this. */
  @state({ as: shape.bits(8) }) private lastSent = 0;
  @state private readonly answers = new Fifo(Answers);
  @state private readonly codes = new Fifo(Buffered);
  @state private readonly keys = new TerminalKeys();
  private readonly selfTest: Timer;

  constructor(
    private readonly clock: VirtualClock,
    private readonly chardev: CharBackend,
    protected readonly line: KeyboardLine,
  ) {
    this.selfTest = clock.timer('self-test', () => this.passTest());
    chardev.connect({
      onReceive: () => {
        this.type();
        line.onReady();
      },
    });
  }

  get isReady(): boolean {
    return this.answers.length > 0 || this.codes.length > 0;
  }

  /** The next byte, which leaves the keyboard. */
  send(): number {
    const byte = this.answers.length > 0 ? this.answers.shift() : this.codes.shift();
    this.lastSent = byte;
    this.type();
    return byte;
  }

  /** A byte of the controller. What was not fetched of the answer before is dropped. */
  receive(byte: number): void {
    const { pending } = this;
    this.pending = None;
    this.answers.clear();
    this.selfTest.cancel();
    if (pending !== None && !this.isCommand(byte)) this.takeParameter(pending, byte);
    else this.execute(byte);
    this.type();
    this.line.onReady();
  }

  reset(): void {
    this.setDefaults(true);
    this.pending = None;
    this.lastSent = 0;
    this.answers.clear();
    this.keys.reset();
    this.selfTest.cancel();
  }

  /** @see IBM Personal Computer AT Technical Reference, "Set/Reset Mode Indicators": a command ends a command */
  protected isCommand(byte: number): boolean {
    return byte >= FirstCommand;
  }

  protected execute(command: number): void {
    if (command === Command.Echo) this.answer(Command.Echo);
    else if (command === Command.Resend) this.answer(this.lastSent);
    else if (command === Command.Reset) this.resetByCommand();
    else if (command === Command.ReadId) this.answer(Answer.Acknowledge, ...Answer.Id);
    else if (command === Command.Enable) this.enable(true);
    else if (command === Command.Disable) this.setDefaults(false);
    else if (command === Command.SetDefault) this.setDefaults(this.isEnabled);
    else if (this.takesParameter(command)) this.await(command);
    else if (command >= Command.SetAllKeys && command <= Command.LastOfAllKeys) this.answer(Answer.Acknowledge);
    else this.answer(Answer.Resend);
  }

  protected answer(...bytes: readonly number[]): void {
    for (const byte of bytes) this.answers.push(byte);
  }

  protected takesParameter(command: number): boolean {
    if (command >= Command.SetKey && command <= Command.LastOfKey) return true;
    return command === Command.SetLights || command === Command.SetRate || command === Command.SelectSet;
  }

  /** Sets 1 and 2 are there. */
  protected hasSet(set: number): boolean {
    return set === 1 || set === 2;
  }

  private await(command: number): void {
    this.pending = command;
    this.answer(Answer.Acknowledge);
  }

  private takeParameter(command: number, value: number): void {
    if (command !== Command.SelectSet) this.answer(Answer.Acknowledge);
    else if (value === 0) this.answer(Answer.Acknowledge, this.scanSet);
    else if (this.hasSet(value)) {
      this.scanSet = value;
      this.codes.clear();
      this.answer(Answer.Acknowledge);
    } else this.answer(Answer.Resend);
  }

  /** What was not sent is dropped. */
  private enable(isEnabled: boolean): void {
    this.isEnabled = isEnabled;
    this.codes.clear();
    this.answer(Answer.Acknowledge);
  }

  private setDefaults(isEnabled: boolean): void {
    this.scanSet = 2;
    this.enable(isEnabled);
  }

  private resetByCommand(): void {
    this.setDefaults(true);
    if (this.line.isInstant) this.passTest();
    else this.selfTest.arm(this.clock.now + SelfTestTime);
  }

  private passTest(): void {
    this.answer(Answer.TestPassed);
    this.type();
    this.line.onReady();
  }

  /** Presses and releases the key of the next character of the back end, as far as its bytes have been sent. */
  private type(): void {
    const { chardev, codes } = this;
    while (chardev.waiting > 0 && this.isEnabled && codes.length === 0 && !this.selfTest.pending) {
      const stroke = this.keys.take(chardev.read(), chardev.waiting === 0);
      if (stroke === undefined) continue;
      const { key, held } = stroke;
      if (held) this.push(held, true);
      this.push(key, true);
      this.push(key, false);
      if (held) this.push(held, false);
    }
  }

  private push(key: number, isPressed: boolean): void {
    for (const code of scanCodes(this.scanSet, key, isPressed)) this.codes.push(code);
  }
}
