/** Bytes as text, and compared, in Node and in a page alike. Each text has one form: what no encoder here writes is refused. */

const hexDigits = '0123456789abcdef';
const base64Digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const Padding = '='.charCodeAt(0);
const NoDigit = 0xff;

const codesOf = (digits: string): Uint8Array => Uint8Array.from(digits, (digit) => digit.charCodeAt(0));

/** The value of each digit, by its character code. */
function valuesOf(digits: string): Uint8Array {
  const values = new Uint8Array(128).fill(NoDigit);
  codesOf(digits).forEach((code, value) => {
    values[code] = value;
  });
  return values;
}

const hexCodes = codesOf(hexDigits);
const hexValues = valuesOf(hexDigits);
const base64Codes = codesOf(base64Digits);
const base64Values = valuesOf(base64Digits);

const textOf = (codes: Uint8Array): string => new TextDecoder().decode(codes);

/** Two lower-case digits for each byte. */
export function toHex(bytes: Uint8Array): string {
  const codes = new Uint8Array(2 * bytes.length);
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    codes[2 * at] = hexCodes[byte >> 4]!;
    codes[2 * at + 1] = hexCodes[byte & 15]!;
  }
  return textOf(codes);
}

/** The bytes of a text that `toHex` wrote; undefined for any other. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) {
    const high = hexValues[text.charCodeAt(2 * at)] ?? NoDigit;
    const low = hexValues[text.charCodeAt(2 * at + 1)] ?? NoDigit;
    if ((high | low) > 15) return undefined;
    bytes[at] = (high << 4) | low;
  }
  return bytes;
}

/** RFC 4648 with padding. */
export function toBase64(bytes: Uint8Array): string {
  const codes = new Uint8Array(4 * Math.ceil(bytes.length / 3));
  for (let at = 0, to = 0; at < bytes.length; at += 3, to += 4) {
    const left = bytes.length - at;
    const word = (bytes[at]! << 16) | ((left > 1 ? bytes[at + 1]! : 0) << 8) | (left > 2 ? bytes[at + 2]! : 0);
    codes[to] = base64Codes[word >> 18]!;
    codes[to + 1] = base64Codes[(word >> 12) & 63]!;
    codes[to + 2] = left > 1 ? base64Codes[(word >> 6) & 63]! : Padding;
    codes[to + 3] = left > 2 ? base64Codes[word & 63]! : Padding;
  }
  return textOf(codes);
}

/** The bytes of a text that `toBase64` wrote; undefined for any other: no spaces, no missing padding, no stray bits. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const digits = text.length - padding;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let bits = 0;
  let held = 0;
  let to = 0;
  for (let at = 0; at < digits; at++) {
    const value = base64Values[text.charCodeAt(at)] ?? NoDigit;
    if (value > 63) return undefined;
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[to++] = bits >> held;
  }
  return (bits & ((1 << held) - 1)) === 0 ? bytes : undefined;
}

/** Negative, 0 or positive, as the first differing byte says, or else the length. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const common = Math.min(left.length, right.length);
  for (let at = 0; at < common; at++) if (left[at] !== right[at]) return left[at]! - right[at]!;
  return left.length - right.length;
}

/** Whether both hold the same bytes. Four at once where both begin at a multiple of four. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  const words = (left.byteOffset | right.byteOffset) % 4 === 0 ? left.length >>> 2 : 0;
  if (words > 0) {
    const leftWords = new Int32Array(left.buffer, left.byteOffset, words);
    const rightWords = new Int32Array(right.buffer, right.byteOffset, words);
    for (let at = 0; at < words; at++) if (leftWords[at] !== rightWords[at]) return false;
  }
  return compareBytes(left.subarray(4 * words), right.subarray(4 * words)) === 0;
}

/** Whether the bytes from `start` on are zero. Sixteen at once where they begin at a multiple of four. */
export function areZero(bytes: Uint8Array, start: number, end: number): boolean {
  const from = bytes.byteOffset + start;
  const count = from % 4 === 0 ? (Math.max(end - start, 0) >>> 4) * 4 : 0;
  const words = new Int32Array(bytes.buffer, count === 0 ? 0 : from, count);
  for (let at = 0; at < count; at += 4)
    if ((words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) !== 0) return false;
  for (let at = start + count * 4; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** The beginning of gzip data. @see RFC 1952, 2.3.1 */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The value of bytes as a guest has them, the lowest first. */
export const littleEndian = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
