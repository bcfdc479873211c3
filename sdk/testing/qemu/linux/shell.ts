import type { Socket } from 'node:net';
import { BackplaneError } from '../../../base/errors.ts';
import { count, printable, printableLines, sentence } from '../../../base/text.ts';
import { within } from '../emulator.ts';
import { SerialReplies } from './serial-replies.ts';

/** A terminal line of Linux keeps 4096 bytes until they are read. */
const LongestLine = 3000;
const LongestQuote = 2000;
const Interrupt = '\x03';
/** Milliseconds that a command has to end after an interrupt. */
const EndTimeout = 5000;

/** What a command did. */
export interface CommandResult {
  /** 0: it succeeded. 128 and the number of a signal: it was ended by that signal. */
  readonly status: number;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

/** Asked for more to say of a command that did not end in time. It is stuck where it did not end when it was interrupted. */
export type OnLate = (isStuck: boolean) => Promise<string>;

/** A command of the guest ended with a status that is not 0. */
export class GuestCommandError extends BackplaneError implements CommandResult {
  override readonly name: string = 'GuestCommandError';

  constructor(
    line: string,
    readonly status: number,
    readonly output: string,
    /** What the kernel and the device have said meanwhile, in sentences. */
    happened = '',
  ) {
    super(
      'guest-command-failed',
      `Guest: '${printable(line)}' ended with status ${status}: ${quoted(output)}${happened}`,
    );
  }
}

/**
 * The guest's second serial line: a shell that takes one command after the other. The line has no echo, and the kernel does
 * not print here.
 */
export class GuestShell {
  readonly #replies: SerialReplies;
  #commands = 0;
  #last: Promise<unknown> = Promise.resolve();
  /** A command that runs still, though it was interrupted. */
  #stuck: string | undefined;

  constructor(private readonly socket: Socket) {
    this.#replies = new SerialReplies(socket);
  }

  /** Waits until the guest has booted. Where its preparations fail, it says why. */
  async ready(): Promise<void> {
    const { words, output } = await this.#replies.next();
    if (words[0] === 'ready') {
      this.#stuck = undefined;
      return;
    }
    throw new BackplaneError('guest-boot-failed', `Guest: it could not be prepared: ${quoted(output)}`);
  }

  /** Runs a command; those that were asked for before come first. What `onLate` answers is added to the message of a late one. */
  run(line: string, timeout: number, onLate: OnLate = async () => ''): Promise<CommandResult> {
    checkLine(line);
    const result = this.#last.then(() => this.#run(line, timeout, onLate));
    this.#last = result.catch(() => undefined);
    return result;
  }

  close(): void {
    this.socket.destroy();
  }

  async #run(line: string, timeout: number, onLate: OnLate): Promise<CommandResult> {
    if (this.#stuck !== undefined) throw this.#refusal(line, this.#stuck);
    const id = ++this.#commands;
    this.socket.write(`${id} ${line.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`);
    const result = this.#resultOf(id, line);
    const timely = await within(timeout, result);
    if (timely !== undefined) return timely;
    this.socket.write(Interrupt);
    const late = await within(EndTimeout, result);
    const isStuck = late === undefined;
    if (isStuck) this.#stuck = line;
    const end = (): void => {
      this.#stuck = undefined;
    };
    result.then(end, end);
    const how = isStuck ? ', nor when it was interrupted' : '';
    const advice = isStuck
      ? 'It waits in the kernel, or ignores the interrupt.'
      : 'Give it more time: { timeout }, in milliseconds.';
    throw new BackplaneError(
      'guest-command-timeout',
      `Guest: '${printable(line)}' did not end within ${timeout / 1000} s${how}: ` +
        `${quoted(late?.output ?? this.#replies.unfinished)} ${advice}${await onLate(isStuck)}`,
    );
  }

  #refusal(line: string, stuck: string): BackplaneError {
    return new BackplaneError(
      'guest-command-timeout',
      `Guest: '${printable(line)}' cannot be run: '${printable(stuck)}' was interrupted, and runs still. Call reset(), or start another guest.`,
    );
  }

  /** Replies of commands that were given up may come before. */
  async #resultOf(id: number, line: string): Promise<CommandResult> {
    for (;;) {
      const { words, output } = await this.#replies.next();
      if (Number(words[0]) === id) return { status: Number(words[1]), output };
      if (words[0] === 'ready')
        throw new BackplaneError(
          'guest-restarted',
          `Guest: its shell began again while '${printable(line)}' ran. To reset the guest, call reset().`,
        );
    }
  }
}

/** Refuses what the terminal line would act on, or lose. */
export function checkLine(line: string): void {
  const refuse = (why: string): never => {
    throw new BackplaneError('guest-command-line', `Guest: '${printable(line.slice(0, 60))}' cannot be run: ${why}`);
  };
  if (line.trim() === '') refuse('a command is missing.');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what the terminal line would act on, and what no shell takes
  if (/[\0\x03]/.test(line)) refuse('it has control characters.');
  if (Buffer.byteLength(line) > LongestLine)
    refuse(`it has more than ${count(LongestLine)} bytes. Put it into a script, and that into 'files'.`);
}

function quoted(output: string): string {
  const text = printableLines(output.trimEnd().slice(-LongestQuote));
  return text === '' ? 'it printed nothing.' : sentence(text.includes('\n') ? `\n${text}\n` : text);
}
