import { hex } from '../base/text.ts';
import type { RegionBlueprint } from './blueprint.ts';
import { formatRange } from './blueprint-checks.ts';
import { table, words } from './document-text.ts';
import type { HandlerRoute } from './handlers.ts';
import { HandledRegion } from './region-template.ts';

/** What has no register: who answers where. The names of the methods are all that is known of what they do. */
export function handlerTable({ handlers }: RegionBlueprint): string[] {
  const byHand = handlers.filter(({ register }) => register === undefined);
  const isAlone = byHand.length === handlers.length;
  const rows = [...byHand]
    .sort((a, b) => rank(a) - rank(b) || Number(a.isWrite) - Number(b.isWrite))
    .map(({ offset, length, isWrite, sizes, method }) => [
      bytesOf(offset, length, isAlone && byHand.every((other) => rank(other) === Number.POSITIVE_INFINITY)),
      isWrite ? 'write' : 'read',
      sizes.join(', '),
      words(method),
    ]);
  return rows.length === 0 ? [] : ['Handled by code:', table(['offset', 'direction', 'bytes', 'what happens'], rows)];
}

/** A handler without an offset comes last: it takes what no other takes. */
const rank = ({ offset, length }: HandlerRoute): number =>
  offset === 0 && length === Number.POSITIVE_INFINITY ? length : offset;

function bytesOf(offset: number, length: number, isAlone: boolean): string {
  if (length !== Number.POSITIVE_INFINITY) return formatRange({ offset, size: length });
  if (offset === 0) return isAlone ? 'everywhere' : 'everywhere else';
  return `from ${hex(offset)} on`;
}

/** A sentence on the bytes that nobody answers for, if there are any. */
export function answersWhereNothingIs({ template, handlers }: RegionBlueprint): string[] {
  if (!(template instanceof HandledRegion)) return [];
  const isOpen = (isWrite: boolean) =>
    leavesBytes(
      handlers.filter((one) => one.isWrite === isWrite),
      template.size,
    );
  const value = template.kind === 'ports' ? 'ones' : 'zeros';
  const parts = [
    ...(isOpen(false) ? [`reads that nobody answers are ${value}`] : []),
    ...(isOpen(true) ? ['writes that nobody takes are dropped'] : []),
  ];
  if (parts.length === 0) return [];
  const text = parts.join(', ');
  const remark = template.missing === 'silent' ? '' : "; that is reported as the guest's mistake";
  return [`${text[0]?.toUpperCase()}${text.slice(1)}${remark}.`];
}

function leavesBytes(routes: readonly HandlerRoute[], size: number): boolean {
  let end = 0;
  for (const { offset, length } of [...routes].sort((a, b) => a.offset - b.offset)) {
    if (offset > end) return true;
    end = Math.max(end, offset + length);
  }
  return end < size;
}
