import { describeOperation, GuestOperation, OperationKind } from '../../accelerator/guest/operation.ts';
import { fromHex } from '../../base/bytes.ts';
import { BackplaneError } from '../../base/errors.ts';
import { hex, printable } from '../../base/text.ts';
import { decoded } from '../../recording/arrivals.ts';
import { recordingText } from './trace-file.ts';

/** A line of a recording: its number from 1, its time, and what happened. Lines of the header have no time. */
export interface RecordingLine {
  readonly number: number;
  /** Nanoseconds, in decimal; '' in the header. */
  readonly time: string;
  readonly text: string;
}

/** The longest line of a recording, with room. */
const LongestLine = 4 * 2 ** 20;

/** Reads a recording line by line, plain or gzip, however long it is. It ends where a cut recording ends. */
export async function* linesIn(path: string, name: string): AsyncGenerator<RecordingLine, void, undefined> {
  const decoder = new TextDecoder('latin1');
  let rest = '';
  let number = 0;
  for await (const chunk of recordingText(path, name)) {
    const pieces = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = pieces.pop() ?? '';
    if (rest.length > LongestLine)
      throw new BackplaneError(
        'trace-malformed',
        `Trace '${name}', line ${number + 1}: it is longer than ${LongestLine} bytes.`,
      );
    for (const piece of pieces) yield lineOf(++number, piece);
  }
  if (rest !== '') yield lineOf(++number, rest);
}

function lineOf(number: number, given: string): RecordingLine {
  const text = given.endsWith('\r') ? given.slice(0, -1) : given;
  const space = text.startsWith('#') ? -1 : text.indexOf(' ');
  return { number, time: space < 0 ? '' : text.slice(0, space), text: space < 0 ? text : text.slice(space + 1) };
}

/** An access of a recording as the machine makes it. */
export interface LineAccess {
  readonly isPort: boolean;
  readonly isWrite: boolean;
  readonly address: number;
  readonly size: number;
  readonly value: bigint;
}

/** The access that a line is; undefined for any other line. */
export function accessIn(text: string): LineAccess | undefined {
  const [, space, way, address = '', size, value = ''] =
    /^([PM])([WR]) ([0-9a-f]{1,16}) ([1248]) ([0-9a-f]{1,16})$/i.exec(text) ?? [];
  if (space === undefined) return undefined;
  return {
    isPort: space === 'P',
    isWrite: way === 'W',
    address: Number.parseInt(address, 16),
    size: Number(size),
    value: BigInt(`0x${value}`),
  };
}

/** Operations that a line stands for: each element of a string is one. */
export function operationsIn(text: string): number {
  const [word = '', , , count] = text.split(' ', 4);
  if (word === 'SW' || word === 'SR') return Math.max(1, Number(count) || 1);
  return /^([PM][WR]|HLT|CLI|STI|IRET|PAUSE)$/.test(word) ? 1 : 0;
}

/** A line in words: `in8 at 0x71 -> 0x26`, `serial0 receives 5 bytes: hello`. */
export function describeLine(text: string): string {
  const access = accessIn(text);
  if (access !== undefined) {
    const { isPort, isWrite, address, size, value } = access;
    const operation = new GuestOperation();
    const kinds = isPort ? [OperationKind.In, OperationKind.Out] : [OperationKind.Load, OperationKind.Store];
    Object.assign(operation, { kind: kinds[isWrite ? 1 : 0], address, size });
    return `${describeOperation(operation)} ${isWrite ? '<-' : '->'} 0x${value.toString(16)}`;
  }
  const [word = '', first = '', second = '', third = '', fourth = ''] = text.split(' ');
  switch (word) {
    case 'SW':
    case 'SR':
      return `rep ${word === 'SW' ? 'outs' : 'ins'}${Number(second) * 8} at 0x${first} x ${third}: ${shownBytes(fourth)}`;
    case '+':
      return `the rest of the string: ${shownBytes(first)}`;
    case 'INT':
      return `interrupt ${hex(Number.parseInt(first, 16) || 0)}`;
    case 'PAUSE':
      return `pause of ${first} ns`;
    case 'IN':
      return describeArrival(second, third, fourth);
    case 'BLK':
      return `disk ${decoded(first)}: page ${second} is read for the first time`;
    case 'ERR':
      return `disk ${decoded(first)}: its call ${second} fails (${third})`;
    case 'OUT':
      return `${decoded(first)}: ${second} bytes sent so far, checksum ${third}`;
    default:
      return printable(text.slice(0, LongestShown));
  }
}

const LongestShown = 80;
const MostBytes = 16;

function describeArrival(kind: string, who: string, what: string): string {
  const name = decoded(who) ?? who;
  if (kind !== 'receive') return printable(`${name}: ${kind}${what === '' ? '' : ` ${decoded(what) ?? what}`}`);
  const bytes = fromHex(what) ?? new Uint8Array(0);
  return `${name} receives ${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'}: ${shownBytes(what)}`;
}

/** Text as text, other bytes in hex; the first few. */
function shownBytes(digits: string): string {
  const bytes = fromHex(digits === '-' ? '' : digits.slice(0, 2 * MostBytes)) ?? new Uint8Array(0);
  const more = digits.length > 2 * MostBytes ? '...' : '';
  const isText = bytes.length > 0 && bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  return isText ? `'${new TextDecoder().decode(bytes)}'${more}` : `${digits.slice(0, 2 * MostBytes)}${more}`;
}
