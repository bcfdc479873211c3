import { type Json, JsonReader } from '../base/json-reader.ts';
import { HeaderSize, LargestTransfer, type MessageHeader, replyTo } from './protocol.ts';

/** What the two sides have agreed on. */
export interface Agreement {
  /** How many descriptors may come with one message. */
  readonly descriptors: number;
}

/** Regions of guest memory at once. A Linux guest has some twenty. */
export const MostMaps = 1024;
/** Descriptors with one message. QEMU refuses more. */
export const MostDescriptors = 16;
/** QEMU's has 178 bytes. */
const LongestText = 4096;

/** Why a client is refused, in a sentence; or what was agreed on, and what the client said of itself. */
export type VersionRead = Agreement | { readonly refusal: string };

export function readVersion(view: DataView): VersionRead {
  const length = view.byteLength - HeaderSize - 4;
  if (length < 0) return { refusal: 'its VERSION message is too short' };
  const [major, minor] = [view.getUint16(HeaderSize, true), view.getUint16(HeaderSize + 2, true)];
  if (major !== 0)
    return {
      refusal: `it speaks vfio-user ${major}.${minor}, and this is 0.0. Use QEMU 10.1 or later, of which 11.1 was tried`,
    };
  if (length === 0) return { descriptors: 1 };
  const text = textOf(view, length);
  const offered = text === undefined ? undefined : parsed(text);
  if (offered === undefined) return { refusal: 'its VERSION message has no JSON text that ends with NUL' };
  const reader = new JsonReader(offered, '', []).member('capabilities').member('max_msg_fds');
  const descriptors = reader.data === undefined ? 1 : reader.number(0, 0xffff_ffff);
  return { descriptors: Math.min(descriptors, MostDescriptors) };
}

function textOf(view: DataView, length: number): string | undefined {
  if (length > LongestText || view.getUint8(view.byteLength - 1) !== 0) return undefined;
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + HeaderSize + 4, length - 1));
}

function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

/** Each name that QEMU knows; the least important last. */
const Offered: readonly (readonly [name: string, value: number | boolean])[] = [
  ['write_multiple', true],
  ['max_msg_fds', MostDescriptors],
  ['max_dma_maps', MostMaps],
  ['max_data_xfer_size', LargestTransfer],
  ['pgsizes', 4096],
];

/**
 * A subset of what was proposed, and no longer than it: QEMU reads the answer into the buffer of its own message.
 * @see QEMU 11.1, hw/vfio-user/proxy.c, vfio_user_validate_version: "version reply"
 */
export function versionReply(header: MessageHeader, request: DataView): DataView {
  const room = Math.max(request.byteLength - HeaderSize - 4, 0);
  const proposed = room === 0 ? undefined : textOf(request, room);
  const names = new JsonReader(parsed(proposed ?? '') ?? {}, '', []).member('capabilities');
  const agreed = Offered.flatMap(([name, ours]) => {
    const { data } = names.member(name);
    if (typeof data !== typeof ours || data === false) return [];
    return [[name, typeof data === 'number' ? Math.min(data, Number(ours)) : ours] as const];
  });
  for (;;) {
    const text = new TextEncoder().encode(`${JSON.stringify({ capabilities: Object.fromEntries(agreed) })}\0`);
    if (text.length <= room) return withText(header, text);
    if (agreed.pop() === undefined) return withText(header, new Uint8Array(0));
  }
}

function withText(header: MessageHeader, text: Uint8Array): DataView {
  const view = replyTo(header, 4 + text.length);
  new Uint8Array(view.buffer, HeaderSize + 4).set(text);
  return view;
}
