import type { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { BackplaneError } from '../../../base/errors.ts';
import { printable, printableLines } from '../../../base/text.ts';

const LongestLine = 1000;
const MostLines = 1000;
const LinesOfFailure = 40;
/** What begins the report of an Oops, which may be longer than what a message shows. */
const StartOfOops = /\b(BUG: .*|Oops: .*|general protection fault.*|kernel BUG at .*)$/;
/** The instruction, as a function and an offset in it: `RIP: 0010:my_write+0x63/0x90 [my]`. */
const PlaceOfOops = /RIP: [0-9a-f]{4}:.*\S/;
/** The guest is booted with `oops=panic`, so that this line ends the report of an Oops too. */
const EndOfPanic = /---\[ end Kernel panic - not syncing: (.*?) ?\]---/;

/** A line that is waited for. */
interface Awaited {
  readonly pattern: RegExp;
  readonly isForgotten: boolean;
  readonly resolve: () => void;
}

/** The guest's first serial line: what the kernel prints. The last lines are kept, and the end of a panic is seen. */
export class GuestConsole {
  readonly #lines: string[] = [];
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #printed = 0;
  #awaited: Awaited | undefined;
  #oops: string | undefined;
  #place: string | undefined;
  #reject: (failure: BackplaneError) => void = () => undefined;
  /** Rejects when the kernel has panicked. */
  readonly panic = new Promise<never>((_, reject) => {
    this.#reject = reject;
  });

  constructor(private readonly socket: Socket) {
    this.panic.catch(() => undefined);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => this.#take(this.#decoder.write(bytes)));
  }

  send(text: string): void {
    this.socket.write(text);
  }

  /** Settles when a line with this in it comes, which may be kept or not. One is waited for at a time. */
  line(pattern: RegExp, then: 'keep it' | 'forget it' = 'keep it'): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited = { pattern, isForgotten: then === 'forget it', resolve };
    });
  }

  /** How many lines have come. */
  get printed(): number {
    return this.#printed;
  }

  /** The last lines of those that have come since there were so many. */
  since(printed: number, most: number): readonly string[] {
    const lines = Math.min(this.#printed - printed, most);
    return lines === 0 ? [] : this.#lines.slice(-lines);
  }

  /** The last lines, as a message shows them. */
  tail(): string {
    const lines = [...this.#lines, this.#rest].filter((line) => line !== '').slice(-LinesOfFailure);
    return lines.length === 0
      ? 'Its console is empty.'
      : `The end of its console:\n${printableLines(lines.join('\n'))}`;
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split(/\r*\n/);
    this.#rest = (lines.pop() as string).slice(-LongestLine);
    for (const line of lines) this.#add(line.slice(0, LongestLine));
  }

  #add(line: string): void {
    const awaited = this.#awaited;
    if (awaited?.pattern.test(line) === true) {
      this.#awaited = undefined;
      awaited.resolve();
      if (awaited.isForgotten) return;
    }
    this.#lines.push(line);
    this.#printed++;
    if (this.#lines.length > 2 * MostLines) this.#lines.splice(0, MostLines);
    this.#oops ??= StartOfOops.exec(line)?.[1];
    if (this.#oops !== undefined) this.#place ??= PlaceOfOops.exec(line)?.[0];
    const reason = EndOfPanic.exec(line)?.[1];
    if (reason === undefined) return;
    const cause = this.#oops === undefined ? '' : ` after '${printable(this.#oops)}'`;
    const place = this.#place === undefined ? '' : ` at '${printable(this.#place)}'`;
    this.#reject(new BackplaneError('guest-panic', `Linux panicked: ${reason}${cause}${place}. ${this.tail()}`));
  }
}
