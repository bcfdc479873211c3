import type { Socket } from 'node:net';
import { BackplaneError } from '../../base/errors.ts';

/** How a protocol is spoken: its name in messages, the encoding, and the longest line that is accepted, in characters. */
interface Speech {
  readonly protocol: string;
  readonly encoding: 'utf8' | 'latin1';
  readonly longest: number;
}

/** A connection to an emulator: lines that come in, and one failure that ends it for good. */
export abstract class EmulatorConnection {
  protected failure: BackplaneError | undefined;
  private unfinished = '';

  /** @internal */
  protected constructor(
    protected readonly socket: Socket,
    private readonly speech: Speech,
  ) {
    socket.setEncoding(speech.encoding);
    socket.on('data', (text: string) => this.receive(text));
    socket.on('error', (cause) => this.fail('connection-broken', `the connection broke (${cause.message})`, cause));
    socket.on('close', () => this.fail('connection-broken', 'the emulator closed the connection'));
  }

  /** Ends the connection; what has no answer yet is refused. */
  close(): void {
    this.fail('connection-closed', 'the client closed the connection');
  }

  protected abstract take(line: string): void;
  /** Rejects all that waits for an answer. */
  protected abstract reject(failure: BackplaneError): void;

  protected receive(text: string): void {
    // A long line comes in many pieces: a search through all of them each time would take the square of its length.
    const lines = text.includes('\n') ? (this.unfinished + text).split('\n') : [this.unfinished + text];
    this.unfinished = lines.pop() ?? '';
    for (const line of lines) {
      if (this.failure) return;
      this.take(line.endsWith('\r') ? line.slice(0, -1) : line);
    }
    const { longest } = this.speech;
    if (this.unfinished.length > longest)
      this.fail('protocol-violation', `the emulator sent more than ${longest} characters in one line`);
  }

  protected fail(code: string, what: string, cause?: unknown): BackplaneError {
    if (!this.failure) {
      const options = cause === undefined ? undefined : { cause };
      this.failure = new BackplaneError(code, `${this.speech.protocol}: ${what}.`, options);
      this.socket.destroy();
    }
    this.reject(this.failure);
    return this.failure;
  }
}

/**
 * The time that an emulator has for its next answer. Only that answer lifts it, whatever else it sends. `onMissed` is called after
 * at least `limit` milliseconds, and at most twice that.
 */
export class Deadline {
  private due = false;
  private begun = 0;
  private watching = false;

  constructor(
    private readonly limit: number,
    private readonly onMissed: () => void,
  ) {}

  /** An answer is due from now on. Many answers share one timer of the host. */
  begin(): void {
    this.due = true;
    this.begun++;
    if (!this.watching) this.watch();
  }

  /** Nothing is due. */
  lift(): void {
    this.due = false;
  }

  private watch(): void {
    const { begun } = this;
    this.watching = true;
    const look = () => {
      this.watching = false;
      if (!this.due) return;
      if (this.begun === begun) this.onMissed();
      else this.watch();
    };
    // Data that arrived while this process was busy is read first.
    AbortSignal.timeout(this.limit).addEventListener('abort', () => setImmediate(look));
  }
}

/** A string, and whether it is a key; or a whole number token, fraction and exponent with it. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const isLong = /\d{16}/;
/** The token of an integer; others are doubles, which lose digits in every JSON. */
const isInteger = /^-?\d+$/;

/**
 * JSON.parse without a loss: an integer that a number does not hold exactly becomes a bigint. JSON.parse gets such an integer
 * as a string with a mark. A string that begins with the mark gets a second one. The plain text is parsed first, because a
 * search for tokens in a text that is no JSON may take the square of its length.
 */
export function parseExactly(text: string): unknown {
  const rounded: unknown = JSON.parse(text);
  if (!isLong.test(text)) return rounded;
  const marked = text.replace(tokens, (token, isKey: string | undefined) => {
    if (token.startsWith('"'))
      return isKey === undefined && /^"(?:#|\\u0023)/.test(token) ? `"#${token.slice(1)}` : token;
    return !isInteger.test(token) || Number.isSafeInteger(Number(token)) ? token : `"#${token}"`;
  });
  return JSON.parse(marked, unmarked) as unknown;
}

function unmarked(_key: string, value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith('#')) return value;
  return value.startsWith('##') ? value.slice(1) : BigInt(value.slice(1));
}
