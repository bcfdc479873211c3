import type { OutsideLine } from '../accelerator/trace/recorded-trace.ts';
import { MostPending } from '../backend/events.ts';
import type { InboxEvent } from '../backend/index.ts';
import { fromHex, toHex } from '../base/bytes.ts';
import { BackplaneError } from '../base/errors.ts';
import type { Json } from '../base/json-reader.ts';

/** Something that came from outside: at which operation, and at which guest time in nanoseconds since the machine was started. */
export interface Arrival {
  readonly event: InboxEvent;
  readonly before: number;
  readonly at: bigint;
}

/** The text of a line: `IN 1234 receive serial0 68656c6c6f`. A name is written as in the address of a web page. */
export function arrivalLine(event: InboxEvent, operations: number): string {
  const head = `IN ${operations} ${event.kind}`;
  if (event.kind === 'option')
    return `${head} ${encoded(event.device)} ${encoded(event.option)} ${encoded(JSON.stringify(event.value))}`;
  const line = `${head} ${encoded(event.backend)}`;
  if (event.kind === 'receive') return `${line} ${toHex(event.bytes)}`;
  return event.kind === 'sent' ? `${line} ${event.count}` : line;
}

/** A word without spaces, in ASCII. */
export const encoded = (text: string): string => encodeURIComponent(text) || '%';

/** What `encoded` wrote; undefined for anything else. */
export function decoded(text: string | undefined): string | undefined {
  if (text === '%') return '';
  try {
    return text === undefined || text === '' ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Reads a line that `arrivalLine` wrote. */
export function readArrival(name: string, line: OutsideLine): Arrival {
  const [count = '', kind = '', first, ...rest] = line.rest.split(' ');
  const event = /^\d{1,15}$/.test(count) ? eventOf(kind, decoded(first), rest) : undefined;
  if (event === undefined) throw damaged(name, line, 'an operation, and what came from outside before it');
  return { event, before: Number(count), at: BigInt(line.at) };
}

function eventOf(kind: string, first: string | undefined, rest: readonly string[]): InboxEvent | undefined {
  const [second, third, ...more] = rest;
  if (first === undefined || more.length > 0) return undefined;
  if (kind === 'option') return optionEvent(first, decoded(second), decoded(third));
  if (third !== undefined) return undefined;
  if (kind === 'receive') {
    const bytes = second === undefined ? undefined : fromHex(second);
    const isRight = bytes !== undefined && bytes.length > 0 && bytes.length <= MostPending;
    return isRight ? { kind, backend: first, bytes } : undefined;
  }
  if (kind === 'sent')
    return /^\d{1,15}$/.test(second ?? '') ? { kind, backend: first, count: Number(second) } : undefined;
  if (kind !== 'open' && kind !== 'close' && kind !== 'break') return undefined;
  return second === undefined ? { kind, backend: first } : undefined;
}

function optionEvent(device: string, option: string | undefined, json: string | undefined): InboxEvent | undefined {
  if (option === undefined || json === undefined) return undefined;
  try {
    return { kind: 'option', device, option, value: JSON.parse(json) as Json };
  } catch {
    return undefined;
  }
}

/** The refusal of a line about the outside. */
export function damaged(name: string, { line, word, rest }: OutsideLine, expected: string): BackplaneError {
  const shown = `${word} ${rest}`;
  return new BackplaneError(
    'recording-line-damaged',
    `Recording '${name}', line ${line}: expected ${expected}, found '${shown.slice(0, 60)}${shown.length > 60 ? '...' : ''}'.`,
  );
}
