import { type MemoryRegion, type AddressRange as Range, rangesIntersect } from '../../memory/index.ts';
import type { ObservedReplay, WriteTarget } from './observation.ts';

/** A range whose writes could be coalesced and are not: one register, a page of them, or several pages of one region. */
export interface Candidate {
  readonly isPort: boolean;
  /** Guest addresses of the zone. */
  readonly start: number;
  readonly size: number;
  /** Where in its region the zone lies; undefined and the address itself where the machine models no device. */
  readonly region: MemoryRegion | undefined;
  readonly offset: number;
  /** Indexes of the targets whose writes lie wholly in the zone. */
  readonly targets: readonly number[];
  /** Writes that would be queued if there were always room. */
  readonly writes: number;
}

/** What is tried, and how many places with fewer writes were left out. */
interface Candidates {
  readonly tried: readonly Candidate[];
  readonly untried: number;
}

const PageSize = 4096;
/** Each is tried on the whole recording: a guest that writes everywhere must not make that endless. */
const MostCandidates = 512;

/** Every zone worth trying. A page is tried where it has several registers; a row of pages where a region has them. */
export function candidatesOf({ targets }: Pick<ObservedReplay, 'targets'>): Candidates {
  const buckets = bucketsOf(targets);
  const found = new Map<string, Candidate>();
  for (const bucket of buckets) {
    for (const [base, group] of placesOf(bucket, targets)) {
      for (const range of rangesOf(group)) {
        const candidate = candidateOf(targets, bucket, base, range);
        const key = `${buckets.indexOf(bucket)} ${candidate.start} ${candidate.size}`;
        if (candidate.writes > 0 && !found.has(key)) found.set(key, candidate);
      }
    }
  }
  const all = [...found.values()].sort((a, b) => b.writes - a.writes);
  return { tried: all.slice(0, MostCandidates), untried: Math.max(0, all.length - MostCandidates) };
}

/** The writes that one region takes, or that no device takes on one bus: indexes of their targets, by offset. */
interface Bucket {
  readonly isPort: boolean;
  readonly region: MemoryRegion | undefined;
  readonly indexes: number[];
  readonly offsets: number[];
}

function bucketsOf(targets: readonly WriteTarget[]): Bucket[] {
  const buckets: Bucket[] = [];
  const byOffset = targets.map((_, index) => index).sort((a, b) => targets[a]!.offset - targets[b]!.offset);
  for (const index of byOffset) {
    const { isPort, region, offset, whole } = targets[index]!;
    if (!whole) continue;
    let bucket = buckets.find((one) => one.isPort === isPort && one.region === region);
    if (bucket === undefined) {
      bucket = { isPort, region, indexes: [], offsets: [] };
      buckets.push(bucket);
    }
    bucket.indexes.push(index);
    bucket.offsets.push(offset);
  }
  return buckets;
}

/** A region may show at several places: its address at each, and the writes there. */
function placesOf({ indexes }: Bucket, targets: readonly WriteTarget[]): Map<number, WriteTarget[]> {
  const places = new Map<number, WriteTarget[]>();
  for (const index of indexes) {
    const target = targets[index]!;
    const base = target.address - target.offset;
    const group = places.get(base);
    if (group === undefined) places.set(base, [target]);
    else group.push(target);
  }
  return places;
}

/** Each register, as long as its widest write; pages with several of them, no longer than the region; all its pages. */
function rangesOf(group: readonly WriteTarget[]): Range[] {
  const { isPort, region, address: first, offset } = group[0]!;
  const widest = new Map<number, number>();
  for (const { address, size } of group) widest.set(address, Math.max(size, widest.get(address) ?? 0));
  const registers = [...widest].map(([start, size]) => ({ start, size })).sort((a, b) => a.start - b.start);
  if (isPort) return registers;

  const base = region === undefined ? 0 : first - offset;
  const end = region === undefined ? Number.POSITIVE_INFINITY : base + region.size;
  const pages = new Map<number, Range & { registers: number }>();
  for (const { start, size } of registers) {
    const page = start - (start % PageSize);
    const from = Math.max(page, base);
    const known = pages.get(page) ?? { start: from, size: Math.min(page + PageSize, end) - from, registers: 0 };
    if (start + size <= known.start + known.size) known.registers++;
    pages.set(page, known);
  }
  const all = [...pages.values()];
  const whole = all.length > 1 && region !== undefined ? [spanOf(all)] : [];
  return [...registers, ...all.filter((page) => page.registers > 1), ...whole];
}

function spanOf(ranges: readonly Range[]): Range {
  const start = Math.min(...ranges.map((range) => range.start));
  return { start, size: Math.max(...ranges.map((range) => range.start + range.size)) - start };
}

function candidateOf(all: readonly WriteTarget[], bucket: Bucket, base: number, wanted: Range): Candidate {
  const { isPort, region } = bucket;
  const range = widened({ start: wanted.start - base, size: wanted.size }, region);
  const end = range.start + range.size;
  const targets: number[] = [];
  let writes = 0;
  for (let at = firstFrom(bucket.offsets, range.start); bucket.offsets[at]! < end; at++) {
    const index = bucket.indexes[at]!;
    const target = all[index]!;
    if (target.offset + target.size > end) continue;
    targets.push(index);
    writes += target.writes;
  }
  return { isPort, start: base + range.start, size: range.size, region, offset: range.start, targets, writes };
}

/** Where the first of the sorted numbers stands that is `least` or more. */
function firstFrom(sorted: readonly number[], least: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Every byte is declared once: what overlaps a declared range takes its place, and all of it. Offsets in the region. */
function widened(range: Range, region: MemoryRegion | undefined): Range {
  const declared = (region?.coalescedRanges ?? []).map(({ offset, size }) => ({ start: offset, size }));
  return spanOf([range, ...declared.filter((other) => rangesIntersect(range, other))]);
}
