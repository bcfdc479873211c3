import { fromHex } from './bytes.ts';

/** What JSON can hold. Snapshots are made of nothing else. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type JsonObject = { readonly [key: string]: Json };

/** Something in untrusted JSON that is not what it must be. */
export interface JsonProblem {
  readonly path: string;
  readonly problem: string;
  /** Data of the caller, kept with the problem. */
  readonly detail?: unknown;
}

/** At most this many problems are noted. */
const MostProblems = 1000;
/** An object has at most this many members, unless a caller says another number. */
const MostMembers = 100_000;
/** Longer paths are cut: a name in one may be as long as the file. */
const LongestPath = 200;

/**
 * Reads a saved state from an untrusted source. Each method answers a value of its type. Where the data has none, it notes
 * the problem and answers a harmless value, so that all problems are reported together.
 */
export class JsonReader {
  constructor(
    readonly data: unknown,
    readonly path: string,
    readonly problems: JsonProblem[],
    /** What the data is of, in messages. */
    readonly document: 'snapshot' | 'recording' = 'snapshot',
  ) {}

  /** What is wrong here, as the end of a sentence: 'expected a number, found "x"'. */
  refuse(problem: string, detail?: unknown): void {
    if (this.problems.length >= MostProblems) return;
    this.problems.push({ path: this.path.slice(0, LongestPath), problem, ...(detail === undefined ? {} : { detail }) });
  }

  /** An element of a list. */
  item(index: number): JsonReader {
    const value: unknown = Array.isArray(this.data) ? this.data[index] : undefined;
    return new JsonReader(value, `${this.path}[${index}]`, this.problems, this.document);
  }

  /** A member of an object, which need not be there: its reader says what is missing. */
  member(name: string): JsonReader {
    const value = isJsonObject(this.data) && Object.hasOwn(this.data, name) ? this.data[name] : undefined;
    return new JsonReader(value, this.path === '' ? name : `${this.path}.${name}`, this.problems, this.document);
  }

  /** Refuses a value that is no object, and members of other names. */
  only(...names: readonly string[]): this {
    if (!isJsonObject(this.data)) this.refuse(`expected an object, found ${describeJson(this.data)}`);
    for (const [name, member] of this.entries()) {
      if (!names.includes(name)) member.refuse(`is in the ${this.document}, and nothing here has it`);
    }
    return this;
  }

  /** All members, or none: an object with more than `most` is refused. */
  entries(most = MostMembers): [string, JsonReader][] {
    if (!isJsonObject(this.data)) return [];
    const names = Object.keys(this.data);
    if (names.length <= most) return names.map((name) => [name, this.member(name)]);
    this.refuse(`expected at most ${most} members, found ${names.length}`);
    return [];
  }

  number(from: number, to = Number.MAX_VALUE): number {
    const { data } = this;
    if (typeof data === 'number' && data >= from && data <= to) return data;
    this.refuse(
      `expected a number from ${from}${to === Number.MAX_VALUE ? '' : ` to ${to}`}, found ${describeJson(data)}`,
    );
    return from;
  }

  integer(from: number, to = Number.MAX_SAFE_INTEGER): number {
    const { data } = this;
    if (Number.isInteger(data) && (data as number) >= from && (data as number) <= to) return data as number;
    const until = to === Number.MAX_SAFE_INTEGER ? '' : ` to ${to}`;
    this.refuse(`expected a whole number from ${from}${until}, found ${describeJson(data)}`);
    return from;
  }

  boolean(): boolean {
    if (typeof this.data !== 'boolean') this.refuse(`expected true or false, found ${describeJson(this.data)}`);
    return this.data === true;
  }

  text(most = 4096): string {
    const { data } = this;
    if (typeof data === 'string' && data.length <= most) return data;
    const length = Number.isFinite(most) ? ` of at most ${most} characters` : '';
    this.refuse(`expected a text${length}, found ${describeJson(data)}`);
    return '';
  }

  /** Bytes as hexadecimal digits. */
  hex(length: number): Uint8Array {
    const { data } = this;
    const bytes = typeof data === 'string' && data.length === 2 * length ? fromHex(data) : undefined;
    if (bytes !== undefined) return bytes;
    this.refuse(`expected ${length} bytes in hexadecimal digits, found ${describeJson(data)}`);
    return new Uint8Array(length);
  }

  /** A hole in the list is read as an element that is missing. */
  list(most: number): JsonReader[] {
    const { data } = this;
    if (!Array.isArray(data) || data.length > most) {
      this.refuse(`expected a list of at most ${most}, found ${describeJson(data)}`);
      return [];
    }
    return Array.from(data, (_, index) => this.item(index));
  }
}

/** For messages: what the data holds, cut short. */
export function describeJson(data: unknown): string {
  if (Array.isArray(data)) return `a list of ${data.length}`;
  if (data === undefined) return 'nothing';
  if (typeof data === 'object' && data !== null) return 'an object';
  const said = typeof data === 'string' ? JSON.stringify(data.slice(0, 64)) : String(data);
  return said.length > 40 ? `${said.slice(0, 37)}...` : said;
}

/** An object, and no list. */
export function isJsonObject(data: unknown): data is JsonObject {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}
