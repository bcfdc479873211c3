import type { Readable, Writable } from 'node:stream';
import type { ReadStream } from 'node:tty';
import { BackplaneError } from '../../base/errors.ts';
import { reasonOf } from '../../base/system-errors.ts';
import type { CharHost, CharTransport, OpenableChar } from '../transport.ts';
import { type EscapeAction, EscapeKeys } from './escape-keys.ts';
import { makeRaw, type RawTerminal } from './raw-terminal.ts';
import { Incoming, Outgoing } from './streams.ts';

export interface StdioSettings {
  readonly id: string;
  /** Ctrl-C of a terminal ends the run. Default: it goes to the guest. */
  readonly signal?: boolean;
  /** Instead of those of the process, for tests. */
  readonly streams?: { readonly input: Readable; readonly output: Writable };
}

/** The terminal of the process, or what standard input and output are redirected to. One back end has it at a time. */
export function stdio(settings: StdioSettings): OpenableChar {
  return { id: settings.id, type: 'char', kind: 'stdio', open: () => new Stdio(settings) };
}

const ControlC = 0x03;
const LineFeed = 0x0a;
const RecentBytes = 256;
/** There is one standard input in a process. */
let holder: Stdio | undefined;

/** The back end that has standard input and output now; undefined if there is none. */
export const openStdio = (): Stdio | undefined => holder;

/** Standard input and output as the line of a back end. On a terminal Ctrl-A begins a command, as in QEMU. */
export class Stdio implements CharTransport {
  mayReceive = true;
  /** What Ctrl-A and a key ask for: the owner of the run obeys. `by` says what has asked. */
  onAction: ((action: EscapeAction, by: string) => void) | undefined;
  /** While it is set, what is typed goes there: a monitor has the keys. */
  keys: ((bytes: Uint8Array) => void) | undefined;
  readonly output: Writable;
  private readonly input: Readable;
  private incoming: Incoming | undefined;
  private readonly outgoing: Outgoing;
  private raw: RawTerminal | undefined;
  private host: CharHost | undefined;
  /** The guest has begun a line of the terminal, and not ended it. */
  private isMidLine = false;
  private readonly recent = new Uint8Array(RecentBytes);
  private recentLength = 0;
  private readonly escape = new EscapeKeys(
    (bytes) => this.typed(bytes),
    (action) => (action === 'break' ? this.host?.break() : this.onAction?.(action, 'Ctrl-A x')),
  );
  /** The end of the input is not the end of the line: the guest may still answer. */
  private readonly onEnd = () => {
    this.mayReceive = false;
  };
  private readonly onInputError = (cause: unknown) => {
    this.mayReceive = false;
    this.host?.failed(`standard input cannot be read any more (${reasonOf(cause)}).`);
  };
  private readonly onOutputError = (cause: unknown) => {
    this.outgoing.abandon();
    this.host?.failed(`standard output cannot be written any more (${reasonOf(cause)}). What follows is dropped.`);
    this.host?.closed();
    // As with any program whose reader has gone, such as `head`.
    this.onAction?.('end', 'the end of standard output');
  };

  constructor(private readonly settings: StdioSettings) {
    if (holder !== undefined)
      throw new BackplaneError(
        'stdio-in-use',
        `Back end '${settings.id}' (stdio): '${holder.settings.id}' has standard input already. Give one of them a socket or a file.`,
      );
    const { input, output } = settings.streams ?? { input: process.stdin, output: process.stdout };
    this.input = input;
    this.output = output;
    this.outgoing = new Outgoing(output, { sent: (count) => this.host?.sent(count) });
    holder = this;
  }

  get isTerminal(): boolean {
    return 'isTTY' in this.input && this.input.isTTY === true;
  }

  start(host: CharHost): void {
    this.host = host;
    if ('ref' in this.input && typeof this.input.ref === 'function') this.input.ref();
    this.input.on('end', this.onEnd);
    this.input.on('error', this.onInputError);
    this.output.on('error', this.onOutputError);
    if (this.isTerminal) this.raw = makeRaw(this.input as ReadStream);
    // At a terminal it reads on, so that Ctrl-A x is always obeyed.
    const received = this.isTerminal ? (keys: Uint8Array) => this.escape.type(keys) : host.received.bind(host);
    this.incoming = new Incoming(this.input, { received });
    if (this.input.readableEnded || this.input.destroyed) this.mayReceive = false;
  }

  write(bytes: Uint8Array): void {
    if (bytes.length > 0) this.isMidLine = bytes.at(-1) !== LineFeed;
    this.remember(bytes);
    this.outgoing.write(bytes);
  }

  /** What the guest writes is seen at a terminal. */
  get isShown(): boolean {
    return 'isTTY' in this.output && this.output.isTTY === true;
  }

  /** The last line of the guest that is not empty, as far as 256 bytes go. */
  get lastLine(): string {
    const lines = new TextDecoder().decode(this.recent.subarray(0, this.recentLength)).split(/[\r\n]+/);
    return lines.filter((line) => line.trim() !== '').at(-1) ?? '';
  }

  /** What is told at the terminal begins on a line of its own. */
  beginLine(): void {
    if (this.isShown && this.isMidLine) this.output.write('\n');
    this.isMidLine = false;
  }

  setReceiving(wanted: boolean): void {
    if (!this.isTerminal) this.incoming?.want(wanted);
  }

  async close(): Promise<void> {
    this.incoming?.end();
    this.keys = undefined;
    for (const [name, listener] of [
      ['end', this.onEnd],
      ['error', this.onInputError],
    ] as const)
      this.input.off(name, listener);
    const lost = await this.outgoing.flush();
    if (lost > 0) this.host?.failed(`${lost} bytes for standard output are lost: they were not read in time.`);
    this.beginLine();
    this.output.off('error', this.onOutputError);
    this.raw?.restore();
    if (holder === this) holder = undefined;
    // The process may end although a terminal or a pipe could still be read.
    if ('unref' in this.input && typeof this.input.unref === 'function') this.input.unref();
  }

  describe(): string {
    return this.isTerminal ? 'terminal, raw' : 'standard input and output';
  }

  /** The last bytes of the guest. */
  private remember(bytes: Uint8Array): void {
    const { recent } = this;
    const added = bytes.subarray(Math.max(0, bytes.length - recent.length));
    const kept = Math.min(this.recentLength, recent.length - added.length);
    recent.copyWithin(0, this.recentLength - kept, this.recentLength);
    recent.set(added, kept);
    this.recentLength = kept + added.length;
  }

  private typed(bytes: Uint8Array): void {
    if (this.keys !== undefined) this.keys(bytes);
    else if (this.settings.signal === true && bytes.includes(ControlC)) this.onAction?.('end', 'Ctrl-C');
    else this.host?.received(bytes);
  }
}
