import { fromBase64, toBase64 } from '../../base/bytes.ts';
import { describeJson, type Json, type JsonReader } from '../../base/json-reader.ts';
import { hex } from '../../base/text.ts';
import { GuestLog, InterruptEntry, type LogEntry, LogLimits, newEntry, type Progress } from './log.ts';
import { LargestString, LongestPause, OperationKind } from './operation.ts';

/** Operations that are only a word. */
const words: Readonly<Record<string, OperationKind>> = {
  hlt: OperationKind.Hlt,
  cli: OperationKind.Cli,
  sti: OperationKind.Sti,
  iret: OperationKind.InterruptReturn,
};
/** Operations with a width behind their name. */
const accesses: Readonly<Record<string, OperationKind>> = {
  out: OperationKind.Out,
  in: OperationKind.In,
  store: OperationKind.Store,
  load: OperationKind.Load,
  repouts: OperationKind.RepOuts,
  repins: OperationKind.RepIns,
};
const names = new Map([...Object.entries(words), ...Object.entries(accesses)].map(([name, kind]) => [kind, name]));

/** A line can hold what the longest string reads. */
const LongestLine = 2 * LargestString;
const access = /^(repouts|repins|out|in|store|load)(8|16|32|64) 0x([0-9a-f]{1,13})(?: x (\d{1,7}))?(?: = (\S*))?$/;

/**
 * A line for each entry: `out8 0x70 = 0xa`, `in8 0x71 = 0x26 (40 times)`, `repins8 0x1f0 x 4 = AAECAw==`, `hlt`, `pause 1000`,
 * `interrupt 0x8`. An interrupt in the middle of a string or a pause is an object, with how far that had come.
 */
export function writeLog(log: GuestLog): Json[] {
  return [...log.entries()].map((entry) => {
    const line = lineOf(entry);
    if (entry.progress !== undefined) return { line, progress: writeProgress(entry.progress) };
    return entry.repeated === 1 ? line : `${line} (${entry.repeated} times)`;
  });
}

export function writeProgress({ position, duration, bytes }: Progress): Json {
  return { position, duration, ...(bytes === undefined ? {} : { bytes: toBase64(bytes) }) };
}

export function readLog(reader: JsonReader): GuestLog {
  const log = new GuestLog();
  for (const line of reader.list(LogLimits.entries)) {
    const isObject = typeof line.data === 'object';
    const entry = readLine(isObject ? line.only('line', 'progress').member('line') : line);
    if (entry === undefined) continue;
    if (isObject) {
      entry.progress = readProgress(line.member('progress'));
      if (entry.kind !== InterruptEntry) line.refuse('only an interrupt comes in the middle of something');
    }
    log.add(entry);
  }
  if (log.overflowed) reader.refuse(`holds more than ${LogLimits.operations} operations`);
  return log;
}

export function readProgress(reader: JsonReader): Progress {
  reader.only('position', 'duration', 'bytes');
  const bytes = reader.member('bytes');
  return {
    position: reader.member('position').integer(0, LargestString),
    duration: reader.member('duration').integer(0, LongestPause),
    bytes: bytes.data === undefined ? undefined : decode(bytes, bytes.text(LongestLine)),
  };
}

function lineOf({ kind, address, size, value, valueHigh, count, bytes }: LogEntry): string {
  if (kind === InterruptEntry) return `interrupt ${hex(address)}`;
  if (kind === OperationKind.Pause) return `pause ${address}`;
  const name = names.get(kind) ?? 'nothing';
  if (kind > OperationKind.RepIns) return name;
  const where = `${name}${size * 8} ${hex(address)}`;
  if (kind === OperationKind.RepIns) return `${where} x ${count} = ${toBase64(bytes ?? new Uint8Array())}`;
  const text = size === 8 ? valueHigh.toString(16) + value.toString(16).padStart(8, '0') : value.toString(16);
  return `${where}${kind === OperationKind.RepOuts ? ` x ${count}` : ''} = 0x${text}`;
}

function readLine(reader: JsonReader): LogEntry | undefined {
  const text = reader.text(LongestLine);
  const [, line = text, times] = /^(.*) \((\d{1,9}) times\)$/.exec(text) ?? [];
  const entry = entryOf(line, reader);
  if (entry === undefined)
    reader.refuse(`expected an operation of a guest program, found ${describeJson(reader.data)}`);
  else if (times !== undefined) entry.repeated = Number(times);
  return entry;
}

function entryOf(line: string, reader: JsonReader): LogEntry | undefined {
  const entry = newEntry();
  if (Object.hasOwn(words, line)) {
    entry.kind = words[line] as OperationKind;
    return entry;
  }
  const [, what, number = ''] = /^(pause|interrupt) ([0-9a-fx.e+]{1,24})$/.exec(line) ?? [];
  if (what !== undefined) {
    entry.kind = what === 'pause' ? OperationKind.Pause : InterruptEntry;
    entry.address = Number(number);
    return entry.address >= 0 && entry.address <= (what === 'pause' ? 2 ** 52 : 255) ? entry : undefined;
  }
  return readAccess(entry, line, reader);
}

function readAccess(entry: LogEntry, line: string, reader: JsonReader): LogEntry | undefined {
  const [, name = '', width, address = '', count, value = ''] = access.exec(line) ?? [];
  if (name === '') return undefined;
  entry.kind = accesses[name] as OperationKind;
  entry.size = Number(width) / 8;
  entry.address = Number.parseInt(address, 16);
  entry.count = Number(count ?? 0);
  if (entry.kind === OperationKind.RepIns) {
    entry.bytes = decode(reader, value);
    return entry.bytes.length === entry.count * entry.size ? entry : undefined;
  }
  const [, high = '', low] = /^0x(?:([0-9a-f]{1,8})(?=[0-9a-f]{8}$))?([0-9a-f]{1,8})$/.exec(value) ?? [];
  if (low === undefined) return undefined;
  entry.value = Number.parseInt(low, 16);
  entry.valueHigh = high === '' ? 0 : Number.parseInt(high, 16);
  const bits = entry.kind === OperationKind.RepOuts ? 32 : 8 * entry.size;
  return bits === 64 || (high === '' && entry.value < 2 ** bits) ? entry : undefined;
}

function decode(reader: JsonReader, text: string): Uint8Array {
  const bytes = fromBase64(text);
  if (bytes === undefined) reader.refuse('expected bytes in base64');
  if (bytes === undefined || bytes.length <= LargestString) return bytes ?? new Uint8Array(0);
  reader.refuse(`a string has at most ${LargestString} bytes`);
  return new Uint8Array(0);
}
