import { BackplaneError } from '../../base/errors.ts';
import { count, counted, isWide } from '../../base/text.ts';
import { SECOND } from '../../clock/time.ts';
import { OperationKind } from '../guest/operation.ts';
import { type RecordedTrace, refuseAccess, TraceColumns } from './recorded-trace.ts';
import { RunColumns } from './run-columns.ts';
import { LongestRunLine, readEnd, readRunLine } from './run-lines.ts';

const Newline = 0x0a;
const CarriageReturn = 0x0d;
const Space = 0x20;
const Hash = 0x23;
const [LetterM, LetterP, LetterR, LetterW] = [0x4d, 0x50, 0x52, 0x57];
const ByteOrderMark = [0xef, 0xbb, 0xbf] as const;
const FirstLine = '# iotrace v1';
/** Of a run with all its operations, and with what came from outside. */
export const FirstLineOfRun = '# iotrace v2';
const LongestLine = 4096;
const MostHeaderLines = 1000;
const MostTimeDigits = 19;
const DigitsBelowSecond = 9;
const MostHexDigits = 16;

/** The text of a recording may be this long unless said otherwise. */
export const DefaultTraceSizeLimit = 256 * 2 ** 20;

const HexDigits = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  HexDigits[digit.toString(16).charCodeAt(0)] = digit;
  HexDigits[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

/**
 * Reads the text of a recording piece by piece, scanning bytes: `<t_ns> <PW|PR|MW|MR> <address> <size> <value>`, the
 * address and the value in hex. An error names the line, and what was expected there.
 */
export class TraceParser {
  readonly #name: string;
  readonly #sizeLimit: number;
  #columns = new TraceColumns();
  /** Of a recording of version 2; its columns are those above. */
  #run: RunColumns | undefined;
  #longestLine = LongestLine;
  readonly #header: string[] = [];
  #rest: Uint8Array = new Uint8Array(0);
  #line = 0;
  #size = 0;
  #promised = -1;

  constructor(name: string, sizeLimit: number = DefaultTraceSizeLimit) {
    this.#name = name;
    this.#sizeLimit = sizeLimit;
  }

  get accesses(): number {
    return this.#columns.length;
  }

  /** The recording is one of version 2, which may end anywhere: what is whole of it can be read. */
  get isRun(): boolean {
    return this.#run !== undefined;
  }

  push(chunk: Uint8Array): void {
    this.#size += chunk.length;
    if (this.#size > this.#sizeLimit) {
      throw new BackplaneError(
        'trace-too-long',
        `Trace '${this.#name}' is longer than the limit of ${this.#sizeLimit} bytes of text. Raise the limit or cut the recording.`,
      );
    }
    const bytes = this.#rest.length === 0 ? chunk : concatenated(this.#rest, chunk);
    let start = 0;
    for (let end = bytes.indexOf(Newline); end >= 0; end = bytes.indexOf(Newline, start)) {
      this.#readLine(bytes, start, end);
      start = end + 1;
    }
    this.#rest = bytes.slice(start);
    const longest = this.#longestLine;
    if (this.#rest.length > longest) this.#refuse(this.#rest, 0, LongestLine, `a line of at most ${longest} bytes`, 1);
  }

  /** The text ends here: a last line of version 1 may lack its line end, and one of version 2 is cut off. */
  end(): RecordedTrace {
    if (this.#rest.length > 0 && this.#run === undefined) this.#readLine(this.#rest, 0, this.#rest.length);
    if (this.#run !== undefined) return this.#run.finish(this.#name, this.#header);
    const { length } = this.#columns;
    if (this.#line === 0)
      throw new BackplaneError(
        'trace-empty',
        `Trace '${this.#name}' is empty. Its first line must be '${FirstLine}' or '${FirstLineOfRun}'.`,
      );
    if (length === 0)
      throw new BackplaneError('trace-empty', `Trace '${this.#name}' has a header but no accesses. Record it again.`);
    if (this.#promised >= 0 && this.#promised !== length) {
      throw new BackplaneError(
        'trace-truncated',
        `Trace '${this.#name}' has ${counted(length, 'access', 'accesses')}, and its header promises ${count(this.#promised)}: it is truncated. Copy or record it again.`,
      );
    }
    return this.#columns.finish(this.#name, this.#header);
  }

  #readLine(bytes: Uint8Array, start: number, lineEnd: number): void {
    const end = lineEnd > start && bytes[lineEnd - 1] === CarriageReturn ? lineEnd - 1 : lineEnd;
    this.#line++;
    const longest = this.#longestLine;
    if (end - start > longest) this.#refuse(bytes, start, end, `a line of at most ${longest} bytes`);
    if (this.#run?.end !== undefined) this.#refuse(bytes, start, end, 'nothing behind the end of the recording');
    if (this.#line === 1) this.#readFirstLine(bytes, start + markLength(bytes, start, end), end);
    else if (start === end) return;
    else if (bytes[start] === Hash) this.#readHeader(bytes, start, end);
    else this.#readAccess(bytes, start, end);
  }

  #readFirstLine(bytes: Uint8Array, start: number, end: number): void {
    const text = textOf(bytes, start, Math.min(end, start + LongestLine)).trimEnd();
    if (text === FirstLine) return;
    if (text === FirstLineOfRun) {
      this.#run = new RunColumns();
      this.#columns = this.#run.entries;
      this.#longestLine = LongestRunLine;
      return;
    }
    if (!isWide(bytes, start)) this.#refuse(bytes, start, end, `'${FirstLine}' or '${FirstLineOfRun}'`);
    throw new BackplaneError(
      'trace-not-utf8',
      `Trace '${this.#name}' is not text in UTF-8, it looks like UTF-16. Save it as UTF-8: iconv -f UTF-16 -t UTF-8.`,
    );
  }

  #readHeader(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isMark(bytes, start, end)) return;
    if (this.#header.length >= MostHeaderLines) this.#refuse(bytes, start, end, 'no more than 1000 lines of header');
    const text = textOf(bytes, start, end).slice(1).trim();
    if (this.#run !== undefined && this.#readEnd(this.#run, text)) return;
    this.#header.push(text);
    const promised = /^accesses: (\d{1,15})\b/.exec(text);
    if (promised !== null) this.#promised = Number(promised[1]);
  }

  /** Transfers by DMA. Of a served device they are counted only, and it has lines of where a BAR lay, and of resets. */
  #isMark(bytes: Uint8Array, start: number, end: number): boolean {
    const words = this.#run === undefined ? /^# (bar|reset|dma) [\da-z]/ : /^# (dma|dma-write) /;
    const word = words.exec(textOf(bytes, start, Math.min(end, start + 16)))?.[1];
    if (word === undefined) return false;
    const wrong = this.#run?.dma.readLine(textOf(bytes, start + '# '.length, end));
    if (wrong !== undefined) this.#refuse(bytes, start, end, wrong);
    if (word === 'dma') this.#columns.transfers++;
    if (word === 'reset') this.#columns.addReset();
    return true;
  }

  #readEnd(run: RunColumns, text: string): boolean {
    run.end = readEnd(text);
    return run.end !== undefined;
  }

  #readAccess(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    let time = 0;
    for (; at < end; at++) {
      const digit = bytes[at]! - 0x30;
      if (digit < 0 || digit > 9) break;
      time = time * 10 + digit;
    }
    if (at === start || bytes[at] !== Space) {
      this.#refuse(bytes, start, end, 'a time in whole nanoseconds and a space');
    }
    if (at - start > MostTimeDigits) this.#refuse(bytes, start, end, `a time of at most ${MostTimeDigits} digits`);
    let part = 0;
    if (time > Number.MAX_SAFE_INTEGER) {
      part = decimal(bytes, at - DigitsBelowSecond, at);
      time = decimal(bytes, start, at - DigitsBelowSecond) * SECOND + part;
    }
    const kind = kindOf(bytes[at + 1]!, bytes[at + 2]!);
    if (kind === OperationKind.None && this.#run !== undefined) {
      this.#readRunLine(this.#run, bytes, [start, at + 1, end], time, part);
      return;
    }
    if (kind === OperationKind.None || at + 3 >= end || bytes[at + 3] !== Space) {
      this.#refuse(bytes, start, end, 'PW, PR, MW or MR and a space after the time');
    }
    at += 4;
    let from = at;
    let address = 0;
    for (; at < end; at++) {
      const digit = HexDigits[bytes[at]!]!;
      if (digit < 0) break;
      address = address * 16 + digit;
    }
    if (at === from || at - from > MostHexDigits || at >= end || bytes[at] !== Space) {
      this.#refuse(bytes, start, end, 'an address in hex and a space after the kind');
    }
    const size = bytes[at + 1]! - 0x30;
    if (at + 2 >= end || size < 0 || size > 9 || bytes[at + 2] !== Space) {
      this.#refuse(bytes, start, end, 'a size of 1, 2, 4 or 8 bytes and a space after the address');
    }
    at += 3;
    from = at;
    let value = 0;
    let valueHigh = 0;
    for (; at < end; at++) {
      const digit = HexDigits[bytes[at]!]!;
      if (digit < 0) break;
      valueHigh = ((valueHigh << 4) | (value >>> 28)) >>> 0;
      value = ((value << 4) | digit) >>> 0;
    }
    if (at === from || at - from > MostHexDigits || at < end) {
      this.#refuse(bytes, start, end, 'a value in hex, and nothing after it');
    }
    const wrong = refuseAccess(kind, address, size, value, valueHigh);
    if (wrong !== undefined) this.#refuse(bytes, start, end, wrong);
    this.#refuseEarlier(bytes, start, end, time, part);
    this.#columns.add(time, kind, address, size, value, valueHigh, part);
    this.#run?.noteVcpu();
  }

  #readRunLine(
    run: RunColumns,
    bytes: Uint8Array,
    [start, from, end]: readonly [start: number, from: number, end: number],
    time: number,
    part: number,
  ): void {
    this.#refuseEarlier(bytes, start, end, time, part);
    const wrong = readRunLine(run, time, part, textOf(bytes, from, end), this.#line);
    if (wrong !== undefined) this.#refuse(bytes, start, end, wrong);
  }

  #refuseEarlier(bytes: Uint8Array, start: number, end: number, time: number, part: number): void {
    if (!this.#columns.isLaterThan(time, part)) return;
    this.#refuse(bytes, start, end, `a time of at least ${this.#columns.lastTime}, because time never goes back`);
  }

  #refuse(bytes: Uint8Array, start: number, end: number, expected: string, linesAhead = 0): never {
    const text = textOf(bytes, start, Math.min(end, start + 60));
    throw new BackplaneError(
      'trace-malformed',
      `Trace '${this.#name}', line ${this.#line + linesAhead}: expected ${expected}, found '${text}${end > start + 60 ? '...' : ''}'.`,
    );
  }
}

function decimal(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 10 + (bytes[at]! - 0x30);
  return value;
}

function kindOf(space: number, direction: number): number {
  if (space === LetterP) {
    return direction === LetterW ? OperationKind.Out : direction === LetterR ? OperationKind.In : OperationKind.None;
  }
  if (space !== LetterM) return OperationKind.None;
  return direction === LetterW ? OperationKind.Store : direction === LetterR ? OperationKind.Load : OperationKind.None;
}

/** Editors write a byte order mark in front of UTF-8. It is skipped. */
function markLength(bytes: Uint8Array, start: number, end: number): number {
  return ByteOrderMark.every((byte, index) => start + index < end && bytes[start + index] === byte)
    ? ByteOrderMark.length
    : 0;
}

/** Bytes that are no printable ASCII show as '?'. */
function textOf(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    text += byte >= Space && byte < 0x7f ? String.fromCharCode(byte) : '?';
  }
  return text;
}

function concatenated(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
