import type { FlatRange, FlatView } from './flat-view.ts';
import type { MemoryRegion } from './memory-region.ts';
import type { RamBlock } from './ram-block.ts';
import { Unguarded } from './reentrancy-guard.ts';
import { refuseAccess } from './region-checks.ts';
import { type ReadTable, unassignedMemoryOps, type WriteTable } from './region-ops.ts';

// Lookup tables that start empty: a lookup costs the same with ten regions and ten thousand. The first access to a place is
// a binary search, whose answer is kept, so a commit costs nothing here.
//
// Ports have a table of their own (port-table.ts). Memory has a radix tree over 4 KiB pages. A page of one range keeps that
// range. A page of several ranges gets a search tree of its own, two or three steps deep in practice.

const pageShift = 12;
const pageSize = 1 << pageShift;
/** Page numbers below 4 GiB have 20 bits: 10 for the directory, 10 for the leaf. */
const leafShift = 10;
const leafMask = (1 << leafShift) - 1;
const fourGiB = 2 ** 32;
/** 2^20 windows of 4 GiB reach 52 bits, all that x86 has. Addresses above are searched each time. */
const largestWindow = 1 << 20;
/**
 * Bounds the memory that a guest can fill: a table with more leaves drops all of them and starts over. For 4 GiB of RAM there
 * are 1024 leaves; 2048 leaves take at most 32 MiB.
 */
const mostLeaves = 2048;

/** Where ranges meet inside a page: addresses in the page before `at` go below. */
interface Fork {
  readonly at: number;
  readonly below: Target | Fork;
  readonly above: Target | Fork;
}
type Leaf = (Target | Fork | undefined)[];
type Directory = (Leaf | undefined)[];

/**
 * A range with copies of all that an access needs, what is read first in front. Made at the first access to the range, and
 * dropped when the map or the region's access flags change. Its fields are declared only: V8 would keep numbers of a field
 * that was undefined first as objects.
 */
export class Target {
  /** Widths that the one handler of the whole region takes at once; 0 if there are several handlers. */
  declare readonly fastReads: number;
  declare readonly accessFlags: number;
  /** Where the owner's flag is in the topology's engaged owners. */
  declare readonly guard: number;
  declare readonly readFn: Handler['readFn'];
  declare readonly device: object | null;
  declare readonly fastWrites: number;
  declare readonly writeFn: Handler['writeFn'];
  declare readonly reads: ReadTable;
  declare readonly writes: WriteTable;
  /** Reads, or writes, touch bytes and call no handler. */
  declare readonly directRead: boolean;
  declare readonly directWrite: boolean;
  declare start: number;
  declare end: number;
  /** offset inside the region = address + delta */
  declare readonly delta: number;
  declare readonly block: RamBlock | null;
  declare readonly region: MemoryRegion;
  /** A write to the bytes is told to the dirty log, or to who made the block. */
  declare readonly noteWrites: boolean;
  /** A target is the end of a search in a page. */
  readonly below = null;

  constructor(region: MemoryRegion, range: FlatRange | null) {
    const { kind, romdMode, ops } = region;
    const directRead = range !== null && (kind === 'ram' || kind === 'rom' || (kind === 'rom-device' && romdMode));
    // Where bytes answer, there is no handler to read from: a ROM device in its ROM mode has some.
    const reads = directRead ? unassignedMemoryOps.reads : ops.reads;
    const read = reads.rest;
    const write = ops.writes.rest;
    this.fastReads = reads.direct.length === 0 ? read.fast : 0;
    this.accessFlags = region.accessFlags;
    this.guard = region.guard?.index ?? Unguarded;
    this.readFn = read.fn;
    this.device = ops.device;
    this.fastWrites = ops.writes.direct.length === 0 ? write.fast : 0;
    this.writeFn = write.fn;
    this.reads = reads;
    this.writes = ops.writes;
    this.directRead = directRead;
    this.directWrite = range !== null && kind === 'ram' && !region.readOnly;
    // A target without a range is empty until a search has found how large the hole is.
    this.start = range?.start ?? 0;
    this.end = range?.end ?? 0;
    this.delta = range?.delta ?? 0;
    this.block = region.ram ?? null;
    this.region = region;
    this.noteWrites = (range !== null && range.dirtyLogMask !== 0) || region.ram?.written !== undefined;
  }
}

interface Handler {
  readonly readFn: ReadTable['rest']['fn'];
  readonly writeFn: WriteTable['rest']['fn'];
}

export class DispatchTable {
  private readonly view: FlatView;
  private readonly unassigned: Target;
  private readonly byRange: (Target | undefined)[] = [];
  private readonly low: Directory = [];
  private readonly windows = new Map<number, Directory>();
  private leaves = 0;

  constructor(view: FlatView, unassigned: MemoryRegion) {
    this.view = view;
    this.unassigned = new Target(unassigned, null);
  }

  /** The target at an address; in a hole, the unassigned one. */
  find(address: number): Target {
    if (!(address >= 0 && address < fourGiB * largestWindow)) return this.searchFar(address);
    const window = (address / fourGiB) | 0;
    const directory = window === 0 ? this.low : this.windows.get(window);
    const page = (address >>> 0) >>> pageShift;
    let known: Target | Fork | undefined = directory?.[page >>> leafShift]?.[page & leafMask];
    if (known === undefined) return this.fillPage(address, window, page);
    const offset = address & (pageSize - 1);
    while (known.below !== null) known = offset < known.at ? known.below : known.above;
    return known;
  }

  /** The same, without keeping the answer. */
  search(address: number): Target {
    const index = this.view.indexOf(address);
    return index < 0 ? this.holeAt(address) : this.targetOf(index);
  }

  /** The unassigned target, as large as the hole. */
  private holeAt(address: number): Target {
    const { ranges } = this.view;
    const { unassigned } = this;
    const next = firstEndingAfter(ranges, address);
    unassigned.start = ranges[next - 1]?.end ?? 0;
    unassigned.end = ranges[next]?.start ?? Number.POSITIVE_INFINITY;
    return unassigned;
  }

  /** Where no tables are. */
  private searchFar(address: number): Target {
    if (Number.isNaN(address)) refuseAccess(`Root '${this.view.root?.name}'`, address);
    return this.search(address);
  }

  private targetOf(index: number): Target {
    const range = this.view.ranges[index]!;
    this.byRange[index] ??= new Target(range.region, range);
    return this.byRange[index];
  }

  /** A page without any range is not kept: holes are as large as the guest likes. */
  private fillPage(address: number, window: number, page: number): Target {
    const start = address - (address & (pageSize - 1));
    const found = this.search(address);
    const isWhole = found.start <= start && found.end >= start + pageSize;
    const known = isWhole ? found : this.sharePage(start);
    if (known !== this.unassigned) this.leafOf(window, page)[page & leafMask] = known;
    return found;
  }

  private leafOf(window: number, page: number): Leaf {
    const directory = this.directory(window);
    const known = directory[page >>> leafShift];
    if (known !== undefined) return known;
    if (this.leaves >= mostLeaves) this.forgetPages();
    this.leaves++;
    const leaf = new Array<Target | Fork | undefined>(1 << leafShift).fill(undefined);
    this.directory(window)[page >>> leafShift] = leaf;
    return leaf;
  }

  private directory(window: number): Directory {
    if (window === 0) return this.low;
    let directory = this.windows.get(window);
    if (directory === undefined) {
      directory = [];
      this.windows.set(window, directory);
    }
    return directory;
  }

  private forgetPages(): void {
    this.low.length = 0;
    this.windows.clear();
    this.leaves = 0;
  }

  /** A page in which several ranges, or a range and a hole, meet. A page without any range needs no table. */
  private sharePage(start: number): Target | Fork {
    const { ranges } = this.view;
    let index = firstEndingAfter(ranges, start);
    const first = ranges[index];
    if (first === undefined || first.start >= start + pageSize) return this.unassigned;
    const ends: number[] = [];
    const targets: Target[] = [];
    const add = (end: number, target: Target) => {
      if (end <= (ends[ends.length - 1] ?? 0)) return;
      ends.push(end);
      targets.push(target);
    };
    for (; index < ranges.length && ranges[index]!.start < start + pageSize; index++) {
      add(ranges[index]!.start - start, this.unassigned);
      add(Math.min(ranges[index]!.end - start, pageSize), this.targetOf(index));
    }
    add(pageSize, this.unassigned);
    return this.plant(ends, targets, 0, ends.length - 1);
  }

  /** A balanced tree over the pieces `first` to `last` of a page. */
  private plant(ends: readonly number[], targets: readonly Target[], first: number, last: number): Target | Fork {
    if (first === last) return targets[first]!;
    const middle = (first + last) >> 1;
    const below = this.plant(ends, targets, first, middle);
    return { at: ends[middle]!, below, above: this.plant(ends, targets, middle + 1, last) };
  }
}

function firstEndingAfter(ranges: readonly FlatRange[], address: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle]!.end > address) high = middle;
    else low = middle + 1;
  }
  return low;
}
