import { fromHex, toHex } from '../../base/bytes.ts';
import {
  type GuestOperation,
  LargestAddress,
  LargestPort,
  LargestString,
  LongestPause,
  OperationKind,
} from '../guest/operation.ts';
import { type OutsideWord, type RecordedEnd, RunEntry, timeOf } from './recorded-trace.ts';
import type { RunColumns } from './run-columns.ts';

/** Lines that are only a word. */
const words: Readonly<Record<string, number>> = {
  HLT: OperationKind.Hlt,
  CLI: OperationKind.Cli,
  STI: OperationKind.Sti,
  IRET: OperationKind.InterruptReturn,
  FAULT: RunEntry.Fault,
  START: RunEntry.Restart,
  WINDOW: RunEntry.Window,
};
const accessWords: Readonly<Record<number, string>> = {
  [OperationKind.Out]: 'PW',
  [OperationKind.In]: 'PR',
  [OperationKind.Store]: 'MW',
  [OperationKind.Load]: 'MR',
};
const wordsOf = new Map(Object.entries(words).map(([word, kind]) => [kind, word]));

const MostVcpus = 64;

/** The longest line: a string of 1 MiB in hex, or what came from outside. */
export const LongestRunLine = 2 * LargestString + 4096;

/** The text of an operation behind its time. A read has its value if it is done. A pause has taken some of its `duration`. */
export function operationLine(operation: GuestOperation, duration = operation.duration): string {
  const { kind, address, size, value, valueHigh, count, finished } = operation;
  const word = accessWords[kind];
  if (word !== undefined) {
    // A read that is not done has no answer yet: the recording ends in it.
    const isRead = kind === OperationKind.In || kind === OperationKind.Load;
    if (isRead && !finished) return `${word} ${address.toString(16)} ${size} 0`;
    const high = size === 8 && valueHigh !== 0;
    const text = high ? valueHigh.toString(16) + value.toString(16).padStart(8, '0') : value.toString(16);
    return `${word} ${address.toString(16)} ${size} ${text}`;
  }
  if (kind === OperationKind.RepOuts) {
    const bytes = operation.bytes?.subarray(0, count * size) ?? new Uint8Array(0);
    return `SW ${address.toString(16)} ${size} ${count} ${hexOf(bytes)}`;
  }
  if (kind === OperationKind.RepIns) {
    const { stored, destination, descending } = operation;
    const where = stored ? ` ${descending ? '<' : '>'}${destination.toString(16)}` : '';
    return `SR ${address.toString(16)} ${size} ${count} ${hexOf(stringRead(operation, 0))}${where}`;
  }
  if (kind === OperationKind.Pause) return `PAUSE ${duration}`;
  return wordsOf.get(kind) ?? 'NONE';
}

/** What a string has read so far, from this byte on. */
export function stringRead({ bytes, position, size }: GuestOperation, from: number): Uint8Array {
  return bytes?.subarray(from, position * size) ?? new Uint8Array(0);
}

export const restLine = (bytes: Uint8Array): string => `+ ${hexOf(bytes)}`;
export const interruptLine = (vector: number): string => `INT ${vector.toString(16)}`;
export const faultLine = 'FAULT';
export const restartLine = 'START';
export const windowLine = 'WINDOW';
export const haltLine = 'HLT';
/** The rest of an instruction of machine code: how many instructions are counted in it, and the writes that the kernel takes. */
export const partLine = (goesOn: boolean, executed: number, writes: number): string =>
  `${goesOn ? 'PART' : 'ENDS'} ${executed} ${writes}`;
export const vcpuLine = (vcpu: number): string => `CPU ${vcpu}`;
export const endLine = ({ operations, at, reason }: RecordedEnd): string =>
  `# end ${operations} operations at ${at} ns: ${reason}`;

/** A line of the header, without its sign, that ends a recording; undefined for any other. */
export function readEnd(text: string): RecordedEnd | undefined {
  const [, operations, at, reason = ''] =
    /^end (\d{1,15}) operations at (\d{1,19}) ns: ([a-z-]{1,20})$/.exec(text) ?? [];
  if (operations === undefined || at === undefined) return undefined;
  return { operations: Number(operations), at: BigInt(at), reason };
}

const hexOf = (bytes: Uint8Array): string => (bytes.length === 0 ? '-' : toHex(bytes));

/** Reads a line that is no access, behind its time. Answers what was expected instead, if it is none. */
export function readRunLine(
  columns: RunColumns,
  at: number,
  part: number,
  text: string,
  line: number,
): string | undefined {
  const space = text.indexOf(' ');
  const word = space < 0 ? text : text.slice(0, space);
  const rest = space < 0 ? '' : text.slice(space + 1);
  const { entries } = columns;
  if (Object.hasOwn(words, word) && space < 0) {
    entries.add(at, words[word]!, 0, 1, 0, 0, part);
    columns.noteVcpu();
    return undefined;
  }
  if (isOutside(word)) {
    columns.outside.push({ position: entries.length, at: String(timeOf(at, part)), word, rest, line });
    return undefined;
  }
  const reader = Object.hasOwn(readers, word) ? readers[word] : undefined;
  if (reader === undefined) return 'PW, PR, MW or MR, or another word of a recorded run, after the time';
  return reader(columns, rest.split(' '), (kind, address, size, count) => {
    entries.add(at, kind, address, size, count, 0, part);
    columns.noteVcpu();
    return entries.length - 1;
  });
}

const outsideWords: readonly string[] = ['IN', 'BLK', 'ERR', 'OUT'] satisfies OutsideWord[];
const isOutside = (word: string): word is OutsideWord => outsideWords.includes(word);

type Add = (kind: number, address: number, size: number, count: number) => number;
type Reader = (columns: RunColumns, words: readonly string[], add: Add) => string | undefined;

const readers: Readonly<Record<string, Reader>> = {
  PAUSE(_columns, [text = '', ...more], add) {
    const duration = /^\d{1,16}(\.\d{1,20})?(e-\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
    if (!(duration <= LongestPause) || more.length > 0) return 'the nanoseconds of a pause, at most 2 ** 52';
    add(OperationKind.Pause, duration, 1, 0);
    return undefined;
  },
  INT(_columns, [text = '', ...more], add) {
    if (!/^[0-9a-f]{1,2}$/.test(text) || more.length > 0) return 'a vector from 0 to ff';
    add(RunEntry.Interrupt, Number.parseInt(text, 16), 1, 0);
    return undefined;
  },
  PART: (_columns, given, add) => readPart(RunEntry.Part, given, add),
  ENDS: (_columns, given, add) => readPart(RunEntry.Ends, given, add),
  CPU(columns, [text = '', ...more]) {
    const vcpu = /^\d{1,2}$/.test(text) ? Number(text) : MostVcpus;
    if (vcpu >= MostVcpus || more.length > 0) return `a vCPU from 0 to ${MostVcpus - 1}`;
    columns.currentVcpu = vcpu;
    return undefined;
  },
  '+'(columns, [text = '', ...more], add) {
    const bytes = readHex(text);
    if (bytes === undefined || more.length > 0) return 'bytes in hex';
    columns.strings.set(add(RunEntry.Rest, 0, 1, 0), { bytes });
    return undefined;
  },
  SW(columns, given, add) {
    const string = readString(given);
    if (typeof string === 'string') return string;
    if (string.bytes.length !== string.count * string.size) return 'as many bytes as the elements have';
    columns.strings.set(add(OperationKind.RepOuts, string.port, string.size, string.count), { bytes: string.bytes });
    return undefined;
  },
  SR(columns, given, add) {
    const string = readString(given.slice(0, 4));
    if (typeof string === 'string') return string;
    const { bytes, size, count } = string;
    if (bytes.length > count * size || bytes.length % size !== 0)
      return 'whole elements, at most as many as the string has';
    const [, way, address] = /^([<>])([0-9a-f]{1,13})$/.exec(given[4] ?? '') ?? [];
    if (given.length > 4 && address === undefined) return '> or < and an address, where the string is stored';
    const destination = Number.parseInt(address ?? '0', 16);
    const lowest = way === '<' ? destination - Math.max(0, count - 1) * size : destination;
    if (lowest < 0 || destination + LargestString > LargestAddress) return 'an address below 10000000000000 (52 bits)';
    const stored = address === undefined ? {} : { destination, descending: way === '<' };
    columns.strings.set(add(OperationKind.RepIns, string.port, size, count), { bytes, ...stored });
    return undefined;
  },
};

function readPart(
  kind: number,
  [executed = '', writes = '', ...more]: readonly string[],
  add: Add,
): string | undefined {
  if (!/^\d{1,7}$/.test(executed) || !/^\d{1,5}$/.test(writes) || more.length > 0)
    return 'a number of instructions, and one of writes';
  add(kind, Number(writes), 1, Number(executed));
  return undefined;
}

interface StringWords {
  readonly port: number;
  readonly size: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** `1f0 2 256 HEX`: port, bytes of an element, elements, and the bytes. */
function readString(given: readonly string[]): StringWords | string {
  const [portText = '', sizeText = '', countText = '', bytesText = '', ...more] = given;
  const port = /^[0-9a-f]{1,4}$/.test(portText) ? Number.parseInt(portText, 16) : Number.NaN;
  if (!(port <= LargestPort)) return 'a port from 0 to ffff';
  const size = Number(sizeText);
  if (!/^[124]$/.test(sizeText)) return 'elements of 1, 2 or 4 bytes';
  const count = /^\d{1,7}$/.test(countText) ? Number(countText) : Number.NaN;
  if (!(count * size <= LargestString)) return `at most ${LargestString} bytes of a string`;
  const bytes = readHex(bytesText);
  if (bytes === undefined || more.length > 0) return 'bytes in hex, or - for none';
  return { port, size, count, bytes };
}

const readHex = (text: string): Uint8Array | undefined =>
  text === '-' ? new Uint8Array(0) : text === '' ? undefined : fromHex(text);
