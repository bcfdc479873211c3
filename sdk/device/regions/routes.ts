import type { Fail } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import { describeRange } from '../../memory/index.ts';
import type { HandlerDeclaration, HandlerRoute, IoRegionTemplate } from './region.ts';

/**
 * Works out which bytes and widths each handler answers for. A subclass's handler takes the place of its base's where the
 * two meet; two handlers of one class that meet are refused.
 */
export function routesOf(
  region: IoRegionTemplate,
  declarations: readonly HandlerDeclaration[],
  inherited: readonly HandlerRoute[],
  fail: Fail,
): HandlerRoute[] {
  const own = declarations.map((declaration) => routeOf(region, declaration, declarations, fail));
  own.forEach((route, index) => {
    const other = own.slice(0, index).find((earlier) => meet(earlier, route));
    if (other !== undefined) throw fail('handler-overlap', conflict(region, other, route));
  });
  const kept = own.reduce(
    (left, route) => left.flatMap((old) => (meet(old, route) ? around(old, route) : [old])),
    [...inherited],
  );
  return [...kept, ...own];
}

/** What is left of an inherited handler where a subclass's own takes bytes and sizes from it. */
function around(old: HandlerRoute, own: HandlerRoute): HandlerRoute[] {
  const pieces: HandlerRoute[] = [];
  const end = old.offset + old.length;
  const ownEnd = own.offset + own.length;
  const from = Math.max(old.offset, own.offset);
  const to = Math.min(end, ownEnd);
  const sizes = old.sizes.filter((size) => !own.sizes.includes(size));
  if (old.offset < from) pieces.push({ ...old, length: from - old.offset });
  if (sizes.length > 0) pieces.push({ ...old, offset: from, length: to - from, sizes });
  if (to < end) pieces.push({ ...old, offset: to, length: end - to });
  return pieces;
}

const direction = (isWrite: boolean): string => (isWrite ? 'write' : 'read');

function routeOf(
  region: IoRegionTemplate,
  declaration: HandlerDeclaration,
  all: readonly HandlerDeclaration[],
  fail: Fail,
): HandlerRoute {
  const { method, isWrite, form, offset, register } = declaration;
  const where = `handler '${method}' of region '${region.name}'`;
  const sizes = sizesOf(region, declaration, where, fail);
  const route = (start: number, length: number) =>
    Object.freeze({
      method,
      isWrite,
      form,
      offset: start,
      length,
      sizes: Object.freeze(sizes),
      ...(register === undefined ? {} : { register }),
    });
  if (offset === undefined) return route(0, declaration.length ?? Number.POSITIVE_INFINITY);

  const inside = `The region has the offsets ${describeRange(0, region.size)}, counted from its start.`;
  if (!Number.isInteger(offset) || offset < 0 || offset >= region.size) {
    throw fail('range-outside-region', `${where} stands at offset ${hex(offset)}, outside its region. ${inside}`);
  }
  const { length } = declaration;
  if (length !== undefined) {
    const whole = length === Number.POSITIVE_INFINITY || (Number.isInteger(length) && length > 0);
    if (!whole) throw fail('empty-range', `${where} has length ${length}. Give it a number of bytes above 0.`);
    if (Number.isFinite(length) && offset + length > region.size) {
      throw fail(
        'range-outside-region',
        `${where} covers ${describeRange(offset, length)} and leaves its region. ${inside}`,
      );
    }
    return route(offset, length);
  }
  const widest = sizes.at(-1) as number;
  if (declaration.sizes !== undefined && offset + widest > region.size) {
    throw fail(
      'range-outside-region',
      `${where} takes ${widest} bytes at offset ${hex(offset)} and leaves its region. ${inside}`,
    );
  }
  return route(offset, Math.min(widest, region.size - offset, distanceToNext(offset, isWrite, all)));
}

function distanceToNext(offset: number, isWrite: boolean, all: readonly HandlerDeclaration[]): number {
  let distance = Number.POSITIVE_INFINITY;
  for (const other of all) {
    if (other.isWrite !== isWrite || other.offset === undefined || other.offset <= offset) continue;
    distance = Math.min(distance, other.offset - offset);
  }
  return distance;
}

/** Without `size`: every width the region implements, but only a 64-bit handler can take 8 bytes. */
function sizesOf(region: IoRegionTemplate, declaration: HandlerDeclaration, where: string, fail: Fail): number[] {
  const possible = [1, 2, 4, 8].filter((size) => size >= region.implements.min && size <= region.implements.max);
  const fitting = possible.filter((size) => size <= 4 || declaration.form === '64-bit');
  const call = direction(declaration.isWrite);
  if (fitting.length === 0) {
    throw fail(
      'handler-needs-64-bit',
      `${where} never gets an access: the region implements 8 bytes only. Use @region.${call}64 with bigint.`,
    );
  }
  if (declaration.sizes === undefined) return fitting;
  for (const size of declaration.sizes) {
    if (size === 8 && possible.includes(8) && declaration.form !== '64-bit') {
      throw fail(
        'handler-needs-64-bit',
        `${where} takes 8 bytes, which a number cannot hold. Use @region.${call}64 with bigint.`,
      );
    }
    if (!fitting.includes(size)) {
      throw fail(
        'handler-size-not-implemented',
        `${where} takes accesses of ${size} bytes, but the region implements ${fitting.join(', ')}. Change one of them.`,
      );
    }
  }
  if (declaration.sizes.length === 0)
    throw fail('handler-size-not-implemented', `${where} takes no size at all. Leave out size, or name one.`);
  return [...new Set(declaration.sizes)].sort((a, b) => a - b);
}

/** Would one access reach both? A handler without an offset is the fallback of the others and meets only its like. */
function meet(a: HandlerRoute, b: HandlerRoute): boolean {
  if (a.isWrite !== b.isWrite || isFallback(a) !== isFallback(b)) return false;
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length && a.sizes.some((s) => b.sizes.includes(s));
}

/** Declared without an offset: answers for whatever no other handler takes. */
function isFallback(route: HandlerRoute): boolean {
  return route.offset === 0 && route.length === Number.POSITIVE_INFINITY;
}

function conflict(region: IoRegionTemplate, a: HandlerRoute, b: HandlerRoute): string {
  const shared = a.sizes.filter((size) => b.sizes.includes(size)).join(', ');
  return (
    `'${a.method}' and '${b.method}' both ${direction(a.isWrite)} offset ${hex(Math.max(a.offset, b.offset))} of region ` +
    `'${region.name}' at ${shared} bytes. Move one of them, or tell them apart by { size }.`
  );
}
