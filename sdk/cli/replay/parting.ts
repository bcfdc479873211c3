import { type LineAccess, linesIn, operationsIn, type RecordingLine } from './recording-lines.ts';

/** A recording of two: how messages call it, and its file. */
export interface ComparedFile {
  readonly name: string;
  readonly path: string;
}

/** Where two recordings part. */
export interface Parting {
  /** Operations that both have before it. */
  readonly operations: number;
  /** The number of the line in the first recording; of its end, if it is shorter. */
  readonly line: number;
  /** The next lines of each; none where it has ended. */
  readonly a: readonly RecordingLine[];
  readonly b: readonly RecordingLine[];
}

/** What two recordings have in common, and where they part. */
export interface Comparison {
  /** Lines of the headers that are in one of them only. */
  readonly headers: { readonly a: readonly string[]; readonly b: readonly string[] };
  /** The first line that differs. Undefined: they do the same from beginning to end. */
  readonly parting: Parting | undefined;
  /** The first line with another time; before the parting, if there is one. */
  readonly times: { readonly line: number; readonly a: string; readonly b: string } | undefined;
  readonly operations: number;
}

const Following = 3;
const ProgressEvery = 100_000;
const MostHeaderLines = 5000;
/** What the header of a recorded run says; other lines are comments. */
const headerWords = /^# (iotrace v\d|(machine|device|backend|image|run): )/;

/** Compares two recordings line by line, in bounded memory. */
export async function compareRecordings(
  a: ComparedFile,
  b: ComparedFile,
  onProgress: (lines: number) => void,
): Promise<Comparison> {
  const [left, right] = [new Cursor(a), new Cursor(b)];
  let operations = 0;
  let times: Comparison['times'];
  try {
    for (let lines = 1; ; lines++) {
      const [one, other] = [await left.next(), await right.next()];
      if (one === undefined && other === undefined)
        return { headers: headersOf(left, right), parting: undefined, times, operations };
      if (one?.text !== other?.text) {
        const parting = {
          operations,
          line: one?.number ?? left.lines + 1,
          a: await left.following(one),
          b: await right.following(other),
        };
        return { headers: headersOf(left, right), parting, times, operations };
      }
      if (one === undefined || other === undefined) continue;
      if (times === undefined && one.time !== other.time) times = { line: one.number, a: one.time, b: other.time };
      operations += operationsIn(one.text);
      if (lines % ProgressEvery === 0) onProgress(lines);
    }
  } finally {
    await left.close();
    await right.close();
  }
}

/** The lines of a recording that are no header; those are kept. */
class Cursor {
  lines = 0;
  readonly header: string[] = [];
  private readonly reader: AsyncGenerator<RecordingLine, void, undefined>;

  constructor({ path, name }: ComparedFile) {
    this.reader = linesIn(path, name);
  }

  async next(): Promise<RecordingLine | undefined> {
    for (;;) {
      const { value, done } = await this.reader.next();
      if (done === true) return undefined;
      const line = value as RecordingLine;
      this.lines = line.number;
      // Where a run ended, and how, is a part of it.
      if (/^# end /.test(line.text)) return line;
      if (line.time !== '') return line;
      if (this.header.length < MostHeaderLines && headerWords.test(line.text)) this.header.push(line.text);
    }
  }

  async following(first: RecordingLine | undefined): Promise<RecordingLine[]> {
    const lines = first === undefined ? [] : [first];
    while (lines.length > 0 && lines.length < Following) {
      const line = await this.next();
      if (line === undefined) break;
      lines.push(line);
    }
    return lines;
  }

  async close(): Promise<void> {
    await this.reader.return();
  }
}

function headersOf(left: Cursor, right: Cursor): Comparison['headers'] {
  const only = (one: Cursor, other: Cursor) => {
    const known = new Set(other.header);
    return one.header.filter((text) => !known.has(text));
  };
  return { a: only(left, right), b: only(right, left) };
}

/** Goes through a recording up to a line: the devices learn what was written, and the last lines are shown. */
export async function contextOf(
  file: ComparedFile,
  until: number,
  shown: number,
  visit: (line: RecordingLine, isShown: boolean) => void,
): Promise<void> {
  for await (const line of linesIn(file.path, file.name)) {
    if (line.number >= until) return;
    if (line.time !== '') visit(line, line.number >= until - shown);
  }
}

/** Where the writes of a recording go, to know what an index register selects. */
export interface NamingMachine {
  write(access: LineAccess): void;
  nameOf(access: LineAccess): string | undefined;
}
