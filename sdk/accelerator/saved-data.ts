/** What JSON can hold: all that a saved state is made of. */
export type SavedData =
  | null
  | boolean
  | number
  | string
  | readonly SavedData[]
  | { readonly [key: string]: SavedData | undefined };

/** Something in a saved state that is not what it must be. */
export interface SavedProblem {
  readonly path: string;
  readonly problem: string;
}

/** A saved state that is different in everything is not read to its end. */
const MostProblems = 1000;

/**
 * Reads a saved state that anybody may have written. Each question has an answer of the right type; where the data has
 * none, the problem is noted and a harmless value answered, so that everything wrong comes out together.
 */
export class SavedReader {
  constructor(
    readonly data: unknown,
    readonly path: string,
    readonly problems: SavedProblem[],
  ) {}

  refuse(problem: string): void {
    if (this.problems.length < MostProblems) this.problems.push({ path: this.path, problem });
  }

  /** A member of an object, which need not be there: whoever reads it says what is missing. */
  member(name: string): SavedReader {
    const value = isRecord(this.data) && Object.hasOwn(this.data, name) ? this.data[name] : undefined;
    return new SavedReader(value, this.path === '' ? name : `${this.path}.${name}`, this.problems);
  }

  /** Refuses what is no object, and members that nobody would read. */
  only(...names: readonly string[]): this {
    if (!isRecord(this.data)) this.refuse(`expected an object, found ${describe(this.data)}`);
    for (const { path, problems } of this.entries().flatMap(([name, member]) =>
      names.includes(name) ? [] : [member],
    )) {
      problems.push({ path: path.slice(0, 100), problem: 'is in the snapshot, and nothing here has it' });
    }
    return this;
  }

  entries(): [string, SavedReader][] {
    if (!isRecord(this.data)) return [];
    return Object.keys(this.data)
      .slice(0, MostProblems * 100)
      .map((name) => [name, this.member(name)]);
  }

  number(from: number, to = Number.MAX_VALUE): number {
    const { data } = this;
    if (typeof data === 'number' && data >= from && data <= to) return data;
    this.refuse(`expected a number from ${from}${to === Number.MAX_VALUE ? '' : ` to ${to}`}, found ${describe(data)}`);
    return from;
  }

  integer(from: number, to = Number.MAX_SAFE_INTEGER): number {
    const { data } = this;
    if (Number.isInteger(data) && (data as number) >= from && (data as number) <= to) return data as number;
    const until = to === Number.MAX_SAFE_INTEGER ? '' : ` to ${to}`;
    this.refuse(`expected a whole number from ${from}${until}, found ${describe(data)}`);
    return from;
  }

  boolean(): boolean {
    if (typeof this.data !== 'boolean') this.refuse(`expected true or false, found ${describe(this.data)}`);
    return this.data === true;
  }

  text(most = 4096): string {
    const { data } = this;
    if (typeof data === 'string' && data.length <= most) return data;
    const length = Number.isFinite(most) ? ` of at most ${most} characters` : '';
    this.refuse(`expected a text${length}, found ${describe(data)}`);
    return '';
  }

  /** Bytes as hexadecimal digits. */
  hex(length: number): Uint8Array {
    const { data } = this;
    if (typeof data === 'string' && data.length === 2 * length && /^[0-9a-f]*$/.test(data)) {
      return new Uint8Array(Buffer.from(data, 'hex'));
    }
    this.refuse(`expected ${length} bytes in hexadecimal digits, found ${describe(data)}`);
    return new Uint8Array(length);
  }

  list(most: number): SavedReader[] {
    const { data } = this;
    if (!Array.isArray(data) || data.length > most) {
      this.refuse(`expected a list of at most ${most}, found ${describe(data)}`);
      return [];
    }
    return data.map((one: unknown, index) => new SavedReader(one, `${this.path}[${index}]`, this.problems));
  }
}

/** For messages: what a snapshot has, cut short. */
export function describe(data: unknown): string {
  if (Array.isArray(data)) return `a list of ${data.length}`;
  if (data === undefined) return 'nothing';
  if (typeof data === 'object' && data !== null) return 'an object';
  const said = typeof data === 'string' ? JSON.stringify(data.slice(0, 64)) : String(data);
  return said.length > 40 ? `${said.slice(0, 37)}...` : said;
}

function isRecord(data: unknown): data is { readonly [key: string]: unknown } {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}
