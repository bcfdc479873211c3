import type { Socket } from 'node:net';
import { BackplaneError } from '../../../base/errors.ts';
import { count } from '../../../base/text.ts';

/** A record separator: no text has it. */
const Mark = '\x1e';
const Reply = new RegExp(`${Mark}(ready|failed|\\d{1,9} \\d{1,3})\\n`);
const LongestReply = 24;
const LargestOutput = 16 * 1024 * 1024;

/** A line of the guest's that is ours, and what was printed before it. */
export interface SerialReply {
  readonly words: readonly string[];
  readonly output: string;
}

/** How the guest's shell script prints such a line. */
export const printReply = (format: string, ...values: readonly string[]): string =>
  `printf '\\036${format}\\n'${values.map((value) => ` "${value}"`).join('')}`;

/** Takes the replies out of what comes over a serial line. */
export class SerialReplies {
  #chunks: Buffer[] = [];
  #size = 0;
  readonly #replies: (SerialReply | BackplaneError)[] = [];
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
  }

  async next(): Promise<SerialReply> {
    for (;;) {
      const reply = this.#replies.shift();
      if (reply instanceof BackplaneError) throw reply;
      if (reply !== undefined) return reply;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** What was printed since the last reply. */
  get unfinished(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  #take(bytes: Buffer): void {
    const before = Buffer.concat(this.#chunks.slice(-LongestReply)).subarray(-LongestReply);
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    const recent = Buffer.concat([before, bytes]);
    const found = Reply.exec(recent.toString('latin1'));
    if (found === null) {
      this.#limit();
      return;
    }
    const all = Buffer.concat(this.#chunks);
    const start = this.#size - recent.length + found.index;
    this.#add({ words: (found[1] as string).split(' '), output: all.toString('utf8', 0, start) });
    const rest = all.subarray(start + found[0].length);
    [this.#chunks, this.#size] = [[], 0];
    if (rest.length > 0) this.#take(rest);
  }

  #limit(): void {
    if (this.#size <= LargestOutput) return;
    [this.#chunks, this.#size] = [[], 0];
    this.#add(
      new BackplaneError(
        'guest-output-too-large',
        `Guest: a command printed more than ${count(LargestOutput)} bytes. Write them into a file of the guest, and print a part.`,
      ),
    );
  }

  #add(reply: SerialReply | BackplaneError): void {
    this.#replies.push(reply);
    this.#wake();
  }
}
