import type { HandledRegion } from './handlers.ts';
import type { CheckedSizes, HandlerForm, HandlerRoute } from './region.ts';

// A region may accept narrower accesses than its handlers implement. Such an access names a few bytes of the word around it. A read
// calls the handler once for the whole word, and answers the bytes that were asked for. A write has its bytes in their place in the
// word, zeros beside them, and tells by `lanes` which bits they are.

type Value = number | bigint;
type Handler = (this: object, ...args: Value[]) => Value | undefined;

/** The narrowest access that reaches handlers and registers: what is accepted, where that is less than what is implemented. */
export const narrowestOf = ({
  accepts,
  implements: own,
}: {
  accepts: CheckedSizes;
  implements: CheckedSizes;
}): number => Math.min(accepts.min, own.min);

/** The widths of a route, and those below that its handler gets as a whole word. */
export function withNarrowWidths({ sizes }: HandlerRoute, region: HandledRegion): readonly number[] {
  const { min } = region.implements;
  const below = [1, 2, 4].filter((size) => size >= narrowestOf(region) && size < min);
  return sizes.includes(min) ? [...below, ...sizes] : sizes;
}

const known = new WeakMap<object, Map<string, Handler>>();

/** The handler as the memory core calls it: for words only, if narrower accesses come, and with lanes, if it takes them. */
export function laneHandler(handler: Handler, { isWrite, form }: HandlerRoute, region: HandledRegion): Handler {
  const isNarrowed = narrowestOf(region) < region.implements.min;
  const given = form === 'attributes' ? 4 : 3;
  if (!isNarrowed && !(isWrite && handler.length > given)) return handler;
  const word = region.implements.min;
  const isBig = region.endianness === 'big';
  // One for all devices of a class, as handlers themselves are.
  const all = known.get(handler) ?? new Map<string, Handler>();
  known.set(handler, all);
  const key = `${word} ${isBig} ${form} ${isWrite}`;
  const found = all.get(key) ?? (isWrite ? writing(handler, word, isBig, form) : reading(handler, word, isBig, form));
  all.set(key, found);
  return found;
}

/** Bits from the lowest of the word to the lowest of the access. */
const shiftOf = (word: number, at: number, size: number, isBig: boolean): number => 8 * (isBig ? word - at - size : at);

function reading(handler: Handler, word: number, isBig: boolean, form: HandlerForm): Handler {
  return function (offset, size, attributes) {
    const [start, bytes] = [offset as number, size as number];
    const at = start % word;
    if (bytes >= word) return handler.call(this, offset as number, size as number, attributes as number);
    // Bytes over the end of the word are in the next one.
    const inside = Math.min(bytes, word - at);
    const whole = handler.call(this, start - at, word, attributes as number) as Value;
    if (form === 'attributes' && (whole as number) < 0) return whole;
    const part = cut(whole, shiftOf(word, at, inside, isBig), inside);
    if (inside === bytes) return part;
    const next = handler.call(this, start - at + word, word, attributes as number) as Value;
    const rest = cut(next, shiftOf(word, 0, bytes - inside, isBig), bytes - inside);
    return isBig ? joined(rest, part, bytes - inside) : joined(part, rest, inside);
  };
}

function writing(handler: Handler, word: number, isBig: boolean, form: HandlerForm): Handler {
  const call = (device: object, value: Value, offset: number, size: number, lanes: Value, attributes: Value) =>
    form === 'attributes'
      ? handler.call(device, value, offset, size, attributes, lanes)
      : handler.call(device, value, offset, size, lanes);
  return function (value, offset, size, attributes) {
    const [start, bytes] = [offset as number, size as number];
    const written = value as Value;
    const isWide = typeof written === 'bigint';
    if (bytes >= word) return call(this, written, start, bytes, ones(bytes, isWide), attributes as number);
    const at = start % word;
    const inside = Math.min(bytes, word - at);
    const part = isBig ? cut(written, 8 * (bytes - inside), inside) : cut(written, 0, inside);
    const shift = shiftOf(word, at, inside, isBig);
    const result = call(this, up(part, shift), start - at, word, up(ones(inside, isWide), shift), attributes as number);
    if (inside === bytes) return result;
    const left = bytes - inside;
    const rest = isBig ? cut(written, 0, left) : cut(written, 8 * inside, left);
    const from = shiftOf(word, 0, left, isBig);
    return call(this, up(rest, from), start - at + word, word, up(ones(left, isWide), from), attributes as number);
  };
}

const up = (value: Value, shift: number): Value =>
  typeof value === 'bigint' ? value << BigInt(shift) : (value << shift) >>> 0;

function cut(value: Value, shift: number, bytes: number): Value {
  if (typeof value === 'bigint') return BigInt.asUintN(8 * bytes, value >> BigInt(shift));
  return ((value >>> shift) & ones32(bytes)) >>> 0;
}

function joined(low: Value, high: Value, lowBytes: number): Value {
  return typeof low === 'bigint'
    ? low | ((high as bigint) << BigInt(8 * lowBytes))
    : (low | ((high as number) << (8 * lowBytes))) >>> 0;
}

const ones32 = (bytes: number): number => (bytes > 3 ? -1 : 2 ** (8 * bytes) - 1);
const ones = (bytes: number, isWide: boolean): Value => (isWide ? 2n ** BigInt(8 * bytes) - 1n : ones32(bytes) >>> 0);
