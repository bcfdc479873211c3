/** Joins the pieces of a stream to lines. */
export class LineReader {
  private unfinished = '';

  constructor(private readonly longest: number) {}

  /** The lines that are whole now. */
  push(text: string): string[] {
    // A long line comes in many pieces: looking through all of them each time would take the square of its length.
    if (!text.includes('\n')) {
      this.unfinished += text;
      return [];
    }
    const lines = (this.unfinished + text).split('\n');
    this.unfinished = lines.pop() ?? '';
    return lines;
  }

  get isTooLong(): boolean {
    return this.unfinished.length > this.longest;
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
