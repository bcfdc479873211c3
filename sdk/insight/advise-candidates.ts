import type { MemoryRegion } from '../memory/index.ts';
import type { ObservedReplay } from './advise-observation.ts';
import type { WriteShape } from './advise-shapes.ts';

/** A range whose writes could be coalesced and are not: one register, a page of them, or several pages of one region. */
export interface Candidate {
  readonly isPort: boolean;
  /** Guest addresses of the zone. */
  readonly start: number;
  readonly size: number;
  /** Where in its region the zone lies; undefined and the address itself where the machine models nobody. */
  readonly region: MemoryRegion | undefined;
  readonly offset: number;
  /** Indexes of the shapes whose writes lie wholly in the zone. */
  readonly shapes: readonly number[];
  /** Writes that would be queued if there were always room. */
  readonly writes: number;
}

const PageSize = 4096;

/** Every zone worth trying. A page is tried where it has several registers; a row of pages where a region has them. */
export function candidatesOf({ shapes }: Pick<ObservedReplay, 'shapes'>): Candidate[] {
  const found: Candidate[] = [];
  for (const group of groupsOf(shapes)) {
    const registers = registersOf(group);
    const pages = group[0]!.isPort ? [] : pagesOf(group);
    const ranges = [...registers, ...pages.filter((page) => registers.filter((one) => inside(one, page)).length > 1)];
    if (pages.length > 1 && group[0]!.region !== undefined) ranges.push(spanOf(pages));
    found.push(...ranges.map((range) => candidate(shapes, group[0]!, range)));
  }
  const isFirst = (one: Candidate, index: number) =>
    found.findIndex(
      (other) =>
        other.isPort === one.isPort &&
        other.region === one.region &&
        other.start === one.start &&
        other.size === one.size,
    ) === index;
  return found.filter((one, index) => one.writes > 0 && isFirst(one, index));
}

interface Range {
  readonly start: number;
  readonly size: number;
}

/** Shapes that one region takes, at one place of the map; what nobody models is one group for each space. */
function groupsOf(shapes: readonly WriteShape[]): WriteShape[][] {
  const groups = new Map<string, WriteShape[]>();
  const regions: (MemoryRegion | undefined)[] = [];
  for (const shape of shapes) {
    if (!shape.whole) continue;
    let region = regions.indexOf(shape.region);
    if (region < 0) region = regions.push(shape.region) - 1;
    const base = shape.address - shape.offset;
    const key = `${shape.isPort} ${region} ${base}`;
    groups.set(key, [...(groups.get(key) ?? []), shape]);
  }
  return [...groups.values()];
}

/** One range for each address that is written, as long as its widest write. */
function registersOf(group: readonly WriteShape[]): Range[] {
  const sizes = new Map<number, number>();
  for (const { address, size } of group) sizes.set(address, Math.max(size, sizes.get(address) ?? 0));
  return [...sizes].map(([start, size]) => ({ start, size })).sort((a, b) => a.start - b.start);
}

/** The pages that are written, no longer than the region that they show. */
function pagesOf(group: readonly WriteShape[]): Range[] {
  const starts = new Set(group.map(({ address }) => address - (address % PageSize)));
  const { region, address, offset } = group[0]!;
  const base = region === undefined ? 0 : address - offset;
  const end = region === undefined ? Number.POSITIVE_INFINITY : base + region.size;
  return [...starts]
    .sort((a, b) => a - b)
    .map((page) => {
      const start = Math.max(page, base);
      return { start, size: Math.min(page + PageSize, end) - start };
    });
}

function spanOf(pages: readonly Range[]): Range {
  const start = pages[0]!.start;
  const last = pages.at(-1)!;
  return { start, size: last.start + last.size - start };
}

function candidate(all: readonly WriteShape[], first: WriteShape, wanted: Range): Candidate {
  const { isPort, region, address, offset } = first;
  const base = address - offset;
  const range = widened({ start: wanted.start - base, size: wanted.size }, region);
  const shapes = all.flatMap((shape, index) => {
    const fits = shape.whole && shape.isPort === isPort && shape.region === region;
    return fits && inside({ start: shape.offset, size: shape.size }, range) ? [index] : [];
  });
  const writes = shapes.reduce((sum, index) => sum + all[index]!.writes, 0);
  return { isPort, start: base + range.start, size: range.size, region, offset: range.start, shapes, writes };
}

/** Every byte is declared once: what overlaps a declared range takes its place, and all of it. Offsets in the region. */
function widened(range: Range, region: MemoryRegion | undefined): Range {
  const declared = region?.coalescedRanges.filter(({ offset, size }) => {
    return offset < range.start + range.size && range.start < offset + size;
  });
  if (declared === undefined || declared.length === 0) return range;
  const start = Math.min(range.start, ...declared.map(({ offset }) => offset));
  const end = Math.max(range.start + range.size, ...declared.map(({ offset, size }) => offset + size));
  return { start, size: end - start };
}

const inside = (inner: Range, outer: Range) =>
  inner.start >= outer.start && inner.start + inner.size <= outer.start + outer.size;
