import { areZero, fromBase64, fromHex, toBase64, toHex } from '../base/bytes.ts';
import type { Json } from '../base/json-reader.ts';
import { hex } from '../base/text.ts';

/** Up to this many bytes are hexadecimal digits, for people. More are base64, without the ranges that are zero. */
const ReadableBytes = 256;
const Chunk = 256;

/** `"00ff80"`, or `{ "size": 4096, "0x100": "...base64..." }` where what is not listed is zero. */
export function writeBytes(bytes: Uint8Array): Json {
  if (bytes.length <= ReadableBytes) return toHex(bytes);
  const written: Record<string, Json> = { size: bytes.length };
  for (let start = 0; start < bytes.length; ) {
    let end = start;
    while (end < bytes.length && !areZero(bytes, end, Math.min(end + Chunk, bytes.length)))
      end = Math.min(end + Chunk, bytes.length);
    if (end > start) written[hex(start)] = toBase64(bytes.subarray(start, end));
    start = Math.max(end, start + Chunk);
  }
  return written;
}

/** The bytes, or undefined if this is not how any are written. Nothing above `most` is allocated. */
export function readBytes(data: Json, most: number): Uint8Array | undefined {
  if (typeof data === 'string') {
    return data.length > 2 * Math.min(most, ReadableBytes) ? undefined : fromHex(data);
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return undefined;
  const entries = Object.entries(data as { readonly [key: string]: Json });
  const size = entries.find(([key]) => key === 'size')?.[1];
  if (!isSize(size, most)) return undefined;
  const bytes = new Uint8Array(size);
  for (const [key, part] of entries) {
    if (key !== 'size' && !placePart(bytes, key, part)) return undefined;
  }
  return bytes;
}

/** At an offset and as base64 as they are written, and no others: what is put there twice, or is cut short, is damaged. */
function placePart(bytes: Uint8Array, key: string, part: Json): boolean {
  if (!/^0x[0-9a-f]{1,12}$/.test(key) || typeof part !== 'string') return false;
  const start = Number(key);
  if (hex(start) !== key || start % Chunk !== 0) return false;
  if (start + (part.length * 3) / 4 - 2 > bytes.length) return false;
  const decoded = fromBase64(part);
  if (decoded === undefined || start + decoded.length > bytes.length) return false;
  bytes.set(decoded, start);
  return true;
}

function isSize(size: Json | undefined, most: number): size is number {
  return typeof size === 'number' && Number.isInteger(size) && size > ReadableBytes && size <= most;
}
