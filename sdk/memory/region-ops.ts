import { BackplaneError } from '../base/errors.ts';
import { describeRange } from './address-range.ts';
import type { ReadHandler, Usage, WriteHandler } from './handler-calls.ts';
import type { AcceptedSizes, AnswerWatch, MissingRoute, RegionOpsSpec, Route } from './region-access.ts';

type ReadHandler64 = (this: object | null, offset: number, size: number) => bigint;
type WriteHandler64 = (this: object | null, value: bigint, offset: number, size: number) => void;

const allWidths = 1 | 2 | 4 | 8;
/** Regions up to this size get a table with one entry per byte; larger ones with several routes are searched. */
const largestDirectTable = 4096;

/** One direction of one route, in the form the access path uses: widths are bit masks, since 1, 2, 4 and 8 are bits. */
export class Handler<F extends CallableFunction, F64> {
  readonly offset: number;
  readonly end: number;
  readonly widths: number;
  /** Widths that may be called at once when aligned: accepted, implemented, little endian, plain numbers, not watched. */
  fast: number;
  readonly fn: F;
  readonly fn64: F64 | null;
  /** False if only the 64-bit form exists. */
  readonly hasNumberForm: boolean;
  readonly withAttributes: boolean;
  /** Checks the answers, until it has seen enough. */
  watch: AnswerWatch | null;
  /** How much it is used, by all devices of its class. */
  usage: Usage | null = null;
  private readonly fastUnwatched: number;

  constructor(route: Route, simple: number, fn: F | null, fn64: F64 | null, refuse: F) {
    const widths = widthMask(route);
    this.offset = route.offset;
    this.end = route.offset + route.size;
    this.widths = widths;
    this.fn = fn ?? refuse;
    this.fn64 = fn64;
    this.hasNumberForm = fn !== null;
    this.withAttributes = route.withAttributes === true;
    this.fastUnwatched = fn === null || this.withAttributes ? 0 : widths & simple;
    this.watch = route.watch ?? null;
    this.fast = this.watch === null ? this.fastUnwatched : 0;
  }

  /** Shows an answer to the watch. True if that was the last one: copies of this handler are then outdated. */
  show(watch: AnswerWatch, device: object | null, answer: unknown, offset: number): boolean {
    if (watch.see(device, answer, offset)) return false;
    this.watch = null;
    this.fast = this.fastUnwatched;
    return true;
  }
}

export type ReadTable = HandlerTable<ReadHandler, ReadHandler64>;
export type WriteTable = HandlerTable<WriteHandler, WriteHandler64>;

/** All handlers of one direction, sealed: a table by offset for what is small, a sorted list for the rest. */
export class HandlerTable<F extends CallableFunction, F64> {
  /** Entry n is the handler of the first byte at offset n. */
  readonly direct: readonly Handler<F, F64>[];
  /** For offsets beyond the table; its `fast` is 0 where a search is needed. */
  readonly rest: Handler<F, F64>;
  readonly handlers: readonly Handler<F, F64>[];
  readonly missing: Handler<F, F64>;
  private readonly unresolved: Handler<F, F64>;

  constructor(handlers: Handler<F, F64>[], missing: Handler<F, F64>, search: Handler<F, F64>) {
    // The narrowest range wins, so that one register can be taken out of a range that another handler covers.
    this.handlers = [...handlers].sort((a, b) => a.end - a.offset - (b.end - b.offset));
    this.missing = missing;
    this.unresolved = search;
    const bounded = handlers.filter((handler) => handler.end !== Infinity);
    const span = bounded.reduce((most, handler) => Math.max(most, handler.end), 0);
    const unbounded = handlers.filter((handler) => handler.end === Infinity);
    const first = unbounded[0];
    if (unbounded.length > 1 || (first !== undefined && first.offset > span)) this.rest = search;
    else this.rest = span > largestDirectTable ? search : (first ?? missing);
    this.direct =
      span > largestDirectTable ? [] : Array.from({ length: span }, (_, offset) => this.search(offset, allWidths));
  }

  /** The handler that may be called at once; null if the access takes the slow path. */
  fastHandler(offset: number, size: number): F | null {
    const handler = this.first(offset);
    return (handler.fast & size) !== 0 ? handler.fn : null;
  }

  /** The entry of a first byte: a handler, the missing one, or the one that stands for a search. */
  first(offset: number): Handler<F, F64> {
    return offset < this.direct.length ? this.direct[offset]! : this.rest;
  }

  /** The handler of an access by its first byte and width. */
  find(offset: number, size: number): Handler<F, F64> {
    const direct = this.first(offset);
    const isHandler = direct !== this.missing && direct !== this.unresolved;
    if (isHandler && (direct.widths & size) !== 0) return direct;
    return this.search(offset, size);
  }

  private search(offset: number, widths: number): Handler<F, F64> {
    for (const handler of this.handlers) {
      if (offset >= handler.offset && offset < handler.end && (handler.widths & widths) !== 0) return handler;
    }
    return this.missing;
  }
}

function widthMask(route: Route): number {
  if (route.accessSize === undefined) return allWidths;
  const sizes = typeof route.accessSize === 'number' ? [route.accessSize] : route.accessSize;
  return sizes.reduce((mask, size) => mask | size, 0);
}

function checkWidth(value: number | undefined, what: string): void {
  if (value === undefined || value === 1 || value === 2 || value === 4 || value === 8) return;
  throw new BackplaneError(
    'invalid-access-width',
    `Region ops: ${what} is ${value}. An access is 1, 2, 4 or 8 bytes wide.`,
  );
}

function checkOverlaps(handlers: readonly { offset: number; end: number; widths: number }[], verb: string): void {
  const sorted = [...handlers].sort((a, b) => a.offset - b.offset);
  for (const [index, a] of sorted.entries()) {
    for (let next = index + 1; next < sorted.length && sorted[next]!.offset < a.end; next++) {
      const b = sorted[next]!;
      if (b.end - b.offset !== a.end - a.offset && !(b.end === Infinity && a.end === Infinity)) continue;
      if ((a.widths & b.widths) === 0) continue;
      throw new BackplaneError(
        'handler-overlap',
        `Region ops: two routes ${verb} the same bytes, at ${describeRange(a.offset, a.end - a.offset)} and ` +
          `${describeRange(b.offset, b.end - b.offset)}. Give each its own range, or different access sizes.`,
      );
    }
  }
}

const sealed = <F>(handler: unknown): F | null => (handler === undefined ? null : (handler as F));

/** How a region answers: its handlers in sealed tables, and the widths it accepts and implements. */
export class RegionOps {
  readonly device: object | null;
  /** As declared, for explanations. @internal */
  readonly routes: readonly Route[];
  readonly bigEndian: boolean;
  /** @internal */
  readonly accepts: AcceptedSizes['accepts'];
  readonly acceptedMin: number;
  /** 0: any width. */
  readonly acceptedMax: number;
  readonly acceptsUnaligned: boolean;
  readonly implementedMin: number;
  readonly implementedMax: number;
  readonly implementsUnaligned: boolean;
  /** @internal */
  readonly peek: RegionOpsSpec['peek'];
  /** @internal */
  readonly reads: ReadTable;
  /** @internal */
  readonly writes: WriteTable;

  constructor(spec: RegionOpsSpec) {
    const { valid = {}, impl = {}, missing = {} } = spec;
    checkWidth(valid.min, 'the smallest accepted size');
    checkWidth(valid.max, 'the largest accepted size');
    checkWidth(impl.min, 'the smallest implemented size');
    checkWidth(impl.max, 'the largest implemented size');
    this.device = spec.device;
    this.routes = Object.freeze([...spec.routes]);
    this.bigEndian = spec.endianness === 'big';
    this.accepts = valid.accepts?.bind(valid);
    this.acceptedMin = valid.min ?? 1;
    this.acceptedMax = valid.max ?? 0;
    this.acceptsUnaligned = valid.unaligned ?? false;
    this.implementedMin = impl.min ?? 1;
    this.implementedMax = Math.max(impl.max ?? 4, this.implementedMin);
    this.implementsUnaligned = impl.unaligned ?? false;
    if (this.acceptedMax !== 0 && this.acceptedMin > this.acceptedMax) {
      throw new BackplaneError(
        'access-sizes-reversed',
        `Region ops: the smallest accepted size ${this.acceptedMin} is larger than the largest, ${this.acceptedMax}. Swap them.`,
      );
    }
    this.peek = spec.peek;
    const simple = this.simpleWidths();
    this.reads = this.readTable(spec.routes, missing, simple);
    this.writes = this.writeTable(spec.routes, missing, simple);
    Object.freeze(this);
  }

  /** Whether an access is refused as a whole: it then reads 0 and ends with a decode error. */
  refuses(offset: number, size: number, isWrite: boolean, attributes: number): boolean {
    if (this.accepts !== undefined && !this.accepts(offset, size, isWrite, attributes)) return true;
    if (!this.acceptsUnaligned && !isAligned(offset, size)) return true;
    return this.acceptedMax !== 0 && (size > this.acceptedMax || size < this.acceptedMin);
  }

  /**
   * How many bytes of an access of `size` the region gets at once. What it accepts bounds that, and the alignment of the offset
   * in the region; offset 0 bounds nothing. The smallest accepted size has no influence here.
   */
  accessSize(size: number, offset: number): number {
    let most = this.acceptedMax === 0 ? 4 : this.acceptedMax;
    if (!this.implementsUnaligned && offset !== 0) {
      const low = (offset & 7) === 0 ? 8 : offset & -offset & 7;
      if (low < most) most = low;
    }
    const length = Math.min(size, most);
    return length >= 8 ? 8 : length >= 4 ? 4 : length >= 2 ? 2 : 1;
  }

  /** The value of an ioeventfd as it appears on the bus: in the region's byte order, if it has a width. */
  wireValue(match: number | bigint | undefined, size: number): bigint | undefined {
    if (match === undefined) return undefined;
    const value = BigInt(match);
    return this.bigEndian && size > 1 ? swapBytes64(value, size) : value;
  }

  private simpleWidths(): number {
    const most = this.acceptedMax === 0 ? 4 : this.acceptedMax;
    return [1, 2, 4]
      .filter(
        (size) =>
          this.accepts === undefined &&
          size <= most &&
          (this.acceptedMax === 0 || size >= this.acceptedMin) &&
          size >= this.implementedMin &&
          size <= this.implementedMax &&
          (!this.bigEndian || size === 1),
      )
      .reduce((mask, size) => mask | size, 0);
  }

  private readTable(routes: readonly Route[], missing: MissingRoute, simple: number): ReadTable {
    const make = (route: Route) =>
      new Handler(route, simple, sealed<ReadHandler>(route.read), sealed<ReadHandler64>(route.read64), zeros);
    const handlers = routes.filter((route) => route.read ?? route.read64).map(make);
    checkOverlaps(handlers, 'read');
    const answer = missing.read === 'ones' ? ones : zeros;
    const report = missing.onMissing?.bind(missing);
    if (report === undefined) return new HandlerTable(handlers, absent(answer, simple), absent(answer, 0));
    const reported: ReadHandler = (offset, size, attributes) => {
      report(offset, size, false);
      return answer.call(null, offset, size, attributes);
    };
    return new HandlerTable(handlers, absent(reported, 0), absent(reported, 0));
  }

  private writeTable(routes: readonly Route[], missing: MissingRoute, simple: number): WriteTable {
    const make = (route: Route) =>
      new Handler(route, simple, sealed<WriteHandler>(route.write), sealed<WriteHandler64>(route.write64), nothing);
    const handlers = routes.filter((route) => route.write ?? route.write64).map(make);
    checkOverlaps(handlers, 'write');
    const report = missing.onMissing?.bind(missing);
    if (report === undefined) return new HandlerTable(handlers, absent(nothing, simple), absent(nothing, 0));
    const reported: WriteHandler = (_value, offset, size) => report(offset, size, true);
    return new HandlerTable(handlers, absent(reported, 0), absent(reported, 0));
  }
}

const zeros: ReadHandler = () => 0;
const ones: ReadHandler = () => 0xffff_ffff;
const nothing: WriteHandler = () => {};
const shared: readonly CallableFunction[] = [zeros, ones, nothing];
const known = new Map<unknown, Handler<never, never>[]>();

/** The handler where no route is. Regions share it: thousands of them would crowd the processor's cache. */
function absent<F extends CallableFunction, F64>(fn: F, simple: number): Handler<F, F64> {
  const bySimple = known.get(fn) ?? [];
  if (shared.includes(fn)) known.set(fn, bySimple);
  bySimple[simple] ??= new Handler({ offset: 0, size: Infinity }, simple, fn, null, fn) as unknown as Handler<
    never,
    never
  >;
  return bySimple[simple] as unknown as Handler<F, F64>;
}

export function swapBytes64(value: bigint, size: number): bigint {
  let swapped = 0n;
  for (let index = 0; index < size; index++) swapped = (swapped << 8n) | ((value >> BigInt(8 * index)) & 0xffn);
  return swapped;
}

/** `size` is a power of two; offsets may exceed 32 bits. */
export function isAligned(offset: number, size: number): boolean {
  return (offset & (size - 1)) === 0;
}

/** Nothing here: every access fails to decode, reads give 0. Also what a plain ROM answers to a write. */
export const unassignedMemoryOps = new RegionOps({ device: null, routes: [], valid: { accepts: () => false } });

/** Nothing at this port: reads give all ones, writes vanish, and both end well, as on an ISA bus. */
export const unassignedPortOps = new RegionOps({
  device: null,
  routes: [],
  valid: { unaligned: true },
  missing: { read: 'ones' },
  peek: (_offset, size) => 2n ** BigInt(8 * size) - 1n,
});
