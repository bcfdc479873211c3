import { describeJson, type Json, type JsonReader } from '../base/json-reader.ts';
import { readBytes, writeBytes } from '../state/bytes.ts';
import { type InboxEntry, type InboxEvent, MostEvents, MostPending } from './events.ts';

/** What waits in an inbox, as JSON can hold it. */
export function inboxAsData(entries: readonly InboxEntry[]): readonly Json[] {
  return entries.map(({ event, before, at }) => ({
    ...(event.kind === 'receive' ? { ...event, bytes: writeBytes(event.bytes) } : event),
    ...(before === 0 ? {} : { before }),
    ...(at === undefined ? {} : { at: String(at) }),
  }));
}

/** Such data from an untrusted source. `isKnown` says whether an event has somewhere to go. */
export function inboxFromData(saved: JsonReader, isKnown: (event: InboxEvent) => boolean): InboxEntry[] {
  if (saved.data === undefined) return [];
  return saved.list(2 * MostEvents).flatMap((one) => {
    const event = eventFrom(one);
    const before = one.member('before').data === undefined ? 0 : one.member('before').integer(0);
    const at = timeFrom(one.member('at'));
    if (event === undefined) return [];
    if (isKnown(event)) return [{ event, before, at }];
    const whose = event.kind === 'option' ? `device '${event.device}'` : `back end '${event.backend}'`;
    one.refuse(`is for ${whose}, and the machine has none. Restore it with the back ends with which it was saved`);
    return [];
  });
}

function timeFrom(saved: JsonReader): bigint | undefined {
  const { data } = saved;
  if (data === undefined) return undefined;
  if (typeof data === 'string' && /^\d{1,27}$/.test(data)) return BigInt(data);
  saved.refuse(`expected guest nanoseconds in decimal, as a text, found ${describeJson(data)}`);
  return undefined;
}

const places = ['kind', 'backend', 'before', 'at'];

/** One event; undefined if it is none, which is noted. */
export function eventFrom(saved: JsonReader): InboxEvent | undefined {
  const kind = saved.member('kind').data;
  if (kind === 'option') {
    saved.only('kind', 'device', 'option', 'value', 'before', 'at');
    const value = saved.member('value').data as Json | undefined;
    if (value === undefined) saved.member('value').refuse('is missing');
    return {
      kind,
      device: saved.member('device').text(256),
      option: saved.member('option').text(256),
      value: value ?? null,
    };
  }
  const backend = saved.member('backend').text(64);
  if (kind === 'open' || kind === 'close' || kind === 'break') {
    saved.only(...places);
    return { kind, backend };
  }
  if (kind === 'sent') {
    saved.only(...places, 'count');
    return { kind, backend, count: saved.member('count').integer(0) };
  }
  if (kind === 'receive') {
    saved.only(...places, 'bytes');
    const found = saved.member('bytes');
    const bytes = readBytes(found.data as Json, MostPending);
    if (bytes === undefined) found.refuse(`expected at most ${MostPending} bytes, found ${describeJson(found.data)}`);
    return { kind, backend, bytes: bytes ?? new Uint8Array(0) };
  }
  saved.member('kind').refuse(`expected the kind of an event, such as 'receive', found ${describeJson(kind)}`);
  return undefined;
}
