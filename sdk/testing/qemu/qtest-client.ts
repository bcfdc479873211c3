import type { Socket } from 'node:net';
import { BackplaneError } from '../../base/errors.ts';
import { printable } from '../../base/text.ts';
import { Deadline, EmulatorConnection } from './stream.ts';

/** What the emulator answered to one command: the words after `OK`, empty when there are none. */
export type QtestAnswer = string;

/** Called for every interrupt message, in stream order: before the answer of the command that caused it. */
export type InterruptListener = (line: number, level: boolean) => void;

export interface QtestClientOptions {
  /** Milliseconds that the emulator has for the next answer, whatever else it says; then the connection is given up. */
  readonly answerTimeout?: number;
  /** Commands sent and not yet answered; the rest wait here, so that neither side's buffers grow without bound. */
  readonly window?: number;
  /** Longest line accepted from the emulator, in characters. */
  readonly longestLine?: number;
}

interface Batch {
  readonly commands: readonly string[];
  readonly answer: (index: number, answer: QtestAnswer) => void;
  readonly resolve: () => void;
  readonly reject: (reason: BackplaneError) => void;
  sent: number;
  answered: number;
}

const InterruptLines = 256;
const OneMebibyte = 1024 * 1024;
const BytesPerChunk = 16 * 1024;
const Command = /^[^\s]+(?: [^\s]+)*$/;
const Numeral = /^(?:0x[0-9a-f]+|[0-9]+)$/i;
const Interrupt = /^IRQ (raise|lower) (\d{1,3})$/;

/**
 * Drives a machine from outside, without a guest, by QEMU's qtest line protocol.
 *
 * Commands are pipelined: any number may be given at once, and at most a window of them is under way. Answers come
 * in order. The client fails for good on the first line that it does not understand.
 */
export class QtestClient extends EmulatorConnection {
  /** Commands answered since the connection was made. */
  answers = 0;
  /** Interrupt messages received since the connection was made. */
  interrupts = 0;
  onInterrupt: InterruptListener | undefined;

  private readonly levels = new Uint8Array(InterruptLines);
  private readonly batches: Batch[] = [];
  private readonly window: number;
  private readonly answerTimeout: number;
  private readonly deadline: Deadline;
  private outstanding = 0;

  constructor(
    socket: Socket,
    { answerTimeout = 20_000, window = 4096, longestLine = 4 * OneMebibyte }: QtestClientOptions = {},
  ) {
    super(socket, { protocol: 'qtest', encoding: 'latin1', longest: longestLine });
    this.window = window;
    this.answerTimeout = answerTimeout;
    this.deadline = new Deadline(answerTimeout, () => this.giveUp());
    socket.on('drain', () => this.send());
  }

  /** The level that the intercepted line `n` was last reported to have; lines start low. */
  level(line: number): boolean {
    return this.levels[line] === 1;
  }

  async out8(port: number, value: number): Promise<void> {
    await this.command(`outb ${port} ${value >>> 0}`);
  }

  async out16(port: number, value: number): Promise<void> {
    await this.command(`outw ${port} ${value >>> 0}`);
  }

  async out32(port: number, value: number): Promise<void> {
    await this.command(`outl ${port} ${value >>> 0}`);
  }

  async in8(port: number): Promise<number> {
    return this.number(`inb ${port}`, 0xff);
  }

  async in16(port: number): Promise<number> {
    return this.number(`inw ${port}`, 0xffff);
  }

  async in32(port: number): Promise<number> {
    return this.number(`inl ${port}`, 0xffff_ffff);
  }

  /** Drives an input of a device, by the device's path, as if the wire behind it had changed. */
  async setInput(path: string, line: number, level: boolean): Promise<void> {
    await this.command(`set_irq_in ${path} unnamed-gpio-in ${line} ${level ? 1 : 0}`);
  }

  /** From now on the levels of a device's output lines are reported, and still reach their destination. */
  async watchOutputs(path: string): Promise<void> {
    await this.command(`irq_intercept_out ${path}`);
  }

  /** The same for the levels of a device's input lines, whatever drives them. */
  async watchInputs(path: string): Promise<void> {
    await this.command(`irq_intercept_in ${path}`);
  }

  /** One command and its answer. */
  async command(command: string): Promise<QtestAnswer> {
    let result = '';
    await this.commands([command], (_, answer) => {
      result = answer;
    });
    return result;
  }

  /** Many commands, pipelined: `answer` is called for each in order, and the promise settles after the last. */
  commands(commands: readonly string[], answer: (index: number, answer: QtestAnswer) => void): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    const malformed = commands.find((command) => !Command.test(command));
    if (malformed !== undefined)
      return Promise.reject(new BackplaneError('malformed-command', malformedMessage(malformed)));
    if (commands.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.batches.push({ commands, answer, resolve, reject, sent: 0, answered: 0 });
      this.send();
    });
  }

  private async number(command: string, largest: number): Promise<number> {
    const answer = await this.command(command);
    const value = Numeral.test(answer) ? Number(answer) : Number.NaN;
    if (value <= largest) return value;
    const due = value > largest ? `a number of at most ${largest}` : 'a number';
    throw this.fail(
      'protocol-violation',
      `the emulator answered '${excerpt(answer)}' to '${command}', where ${due} is due`,
    );
  }

  private send(): void {
    while (!this.failure && !this.socket.writableNeedDrain && this.outstanding < this.window) {
      const text = this.nextChunk();
      if (text === '') return;
      this.socket.write(text, 'latin1');
    }
  }

  private nextChunk(): string {
    let text = '';
    const isFirst = this.outstanding === 0;
    for (const batch of this.batches) {
      while (batch.sent < batch.commands.length && this.outstanding < this.window && text.length < BytesPerChunk) {
        text += `${batch.commands[batch.sent++]}\n`;
        this.outstanding++;
      }
      if (batch.sent < batch.commands.length) break;
    }
    if (isFirst && this.outstanding > 0) this.deadline.begin();
    return text;
  }

  protected override receive(text: string): void {
    super.receive(text);
    this.send();
  }

  protected take(line: string): void {
    if (line.startsWith('IRQ ')) this.takeInterrupt(line);
    else if (line === 'OK') this.takeAnswer('');
    else if (line.startsWith('OK ')) this.takeAnswer(line.slice(3));
    else if (line.startsWith('FAIL') || line.startsWith('ERR'))
      this.fail('command-refused', `the emulator refused '${this.awaited}': ${excerpt(line)}`);
    else
      this.fail('protocol-violation', `the emulator sent '${excerpt(line)}', which is no answer of the qtest protocol`);
  }

  private takeInterrupt(text: string): void {
    const match = Interrupt.exec(text);
    const line = Number(match?.[2]);
    if (!match || line >= InterruptLines) {
      this.fail('protocol-violation', `the emulator sent '${excerpt(text)}', which names no interrupt line`);
      return;
    }
    const level = match[1] === 'raise';
    this.interrupts++;
    this.levels[line] = level ? 1 : 0;
    this.onInterrupt?.(line, level);
  }

  private takeAnswer(answer: QtestAnswer): void {
    const batch = this.batches[0];
    if (!batch || batch.answered === batch.sent) {
      this.fail('protocol-violation', `the emulator answered 'OK ${excerpt(answer)}' when nothing was asked`);
      return;
    }
    this.outstanding--;
    this.answers++;
    if (this.outstanding > 0) this.deadline.begin();
    else this.deadline.lift();
    const index = batch.answered++;
    if (batch.answered === batch.commands.length) this.batches.shift();
    try {
      batch.answer(index, answer);
    } catch (cause) {
      batch.reject(
        this.fail('answer-reader-threw', `the reader of the answer to '${batch.commands[index]}' threw`, cause),
      );
    }
    if (batch.answered === batch.commands.length) batch.resolve();
  }

  /** The command whose answer comes next. */
  private get awaited(): string {
    const batch = this.batches[0];
    return batch?.commands[batch.answered] ?? '';
  }

  private giveUp(): void {
    this.fail('emulator-silent', `the emulator did not answer '${this.awaited}' within ${this.answerTimeout} ms`);
  }

  protected reject(failure: BackplaneError): void {
    this.deadline.lift();
    for (const batch of this.batches.splice(0)) batch.reject(failure);
  }
}

/** Enough of a line to recognize it by. */
const excerpt = (line: string): string => printable(line.slice(0, 80));

function malformedMessage(command: string): string {
  return (
    `qtest: cannot send ${JSON.stringify(command.slice(0, 80))}: a command is words separated by single spaces, ` +
    'on one line. QEMU ends itself on an empty word.'
  );
}
