import type { MemorySection } from './memory-listener.ts';
import type { MemoryRegion } from './memory-region.ts';

/** One range of a flat view. */
export class FlatRange implements MemorySection {
  readonly space = undefined;
  readonly start: number;
  /** The first address after the range; exact also where the size would not be. */
  readonly end: number;
  /** offset inside the region = address + delta */
  readonly delta: number;
  readonly region: MemoryRegion;
  readonly readOnly: boolean;
  readonly nonvolatile: boolean;
  readonly romdMode: boolean;
  readonly dirtyLogMask: number;

  constructor(
    region: MemoryRegion,
    start: number,
    end: number,
    delta: number,
    readOnly: boolean,
    nonvolatile: boolean,
    dirtyLogMask = region.dirtyLogMask,
  ) {
    this.region = region;
    this.start = start;
    this.end = end;
    this.delta = delta;
    this.readOnly = readOnly;
    this.nonvolatile = nonvolatile;
    this.romdMode = region.romdMode;
    this.dirtyLogMask = dirtyLogMask;
  }

  get size(): number {
    return this.end - this.start;
  }

  get offsetInRegion(): number {
    return this.start + this.delta;
  }

  /** The same range between other ends. */
  cut(start: number, end: number): FlatRange {
    if (start === this.start && end === this.end) return this;
    return new FlatRange(this.region, start, end, this.delta, this.readOnly, this.nonvolatile, this.dirtyLogMask);
  }

  /** Whether it is the same range to a listener: all but the dirty logging, which may change in place. */
  equals(other: FlatRange): boolean {
    return this.start === other.start && this.end === other.end && this.leadsAs(other);
  }

  canMerge(next: FlatRange): boolean {
    return this.end === next.start && this.dirtyLogMask === next.dirtyLogMask && this.leadsAs(next);
  }

  /** Whether both lead to one region, shifted alike and with the same flags. */
  private leadsAs(other: FlatRange): boolean {
    return (
      this.region === other.region &&
      this.delta === other.delta &&
      this.romdMode === other.romdMode &&
      this.readOnly === other.readOnly &&
      this.nonvolatile === other.nonvolatile
    );
  }
}

/** A tree of regions, resolved to sorted ranges that do not overlap, each of one region. Shared, immutable. */
export class FlatView {
  /** The region the view was rendered from, after skipping what adds nothing; null: an empty view. */
  readonly root: MemoryRegion | null;
  readonly ranges: readonly FlatRange[];

  constructor(root: MemoryRegion | null, ranges: readonly FlatRange[]) {
    this.root = root;
    this.ranges = ranges;
  }

  /** The index of the range that holds `address`, or -1. */
  indexOf(address: number): number {
    const ranges = this.ranges;
    let low = 0;
    let high = ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const range = ranges[middle]!;
      if (address < range.start) high = middle - 1;
      else if (address >= range.end) low = middle + 1;
      else return middle;
    }
    return -1;
  }
}

/** The one view of every space that shows nothing. */
export const emptyFlatView = new FlatView(null, []);
