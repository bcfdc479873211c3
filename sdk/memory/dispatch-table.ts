import { FlatRange, type FlatView } from './flat-view.ts';
import type { MemoryRegion } from './memory-region.ts';

// What makes a lookup cost the same with ten regions and ten thousand.
//
// Ports: one entry per port, filled when the first access after a commit comes.
// Memory: a radix tree over 4 KiB pages that starts empty and learns: the first access to a page is a binary search,
// and its answer is kept. A page that belongs to one range keeps that range; a page that several ranges share gets a
// table of its own with one entry per byte. So a commit costs nothing here, whatever the number of regions.

const ports = 0x1_0000;
const pageShift = 12;
const pageSize = 1 << pageShift;
/** Page numbers below 4 GiB have 20 bits: 10 for the directory, 10 for the leaf. */
const leafShift = 10;
const leafMask = (1 << leafShift) - 1;
const fourGiB = 2 ** 32;
/** Addresses above have no place in the tree and are searched: 2^20 windows of 4 GiB reach 52 bits. */
const largestWindow = 1 << 20;

type Directory = (Int32Array | undefined)[];

const noPorts = new Uint16Array(0);

export class DispatchTable {
  /** For ports: entry n is the index in `ranges` of what answers at n. Empty for memory. */
  readonly dense: Uint16Array;
  /** The ranges of the view, behind the one that stands for "nothing here". */
  readonly ranges: readonly FlatRange[];

  private readonly view: FlatView;
  private readonly unassigned: FlatRange;
  private readonly low: Directory = [];
  private readonly windows = new Map<number, Directory>();
  private readonly shared: Uint16Array[] = [];

  constructor(view: FlatView, unassigned: MemoryRegion) {
    this.view = view;
    // Starts nowhere, so that it is never mistaken for a hit of a one-entry cache.
    this.unassigned = new FlatRange(unassigned, Infinity, Infinity, 0, false, false);
    this.ranges = [this.unassigned, ...view.ranges];
    const last = view.ranges[view.ranges.length - 1];
    this.dense = last !== undefined && last.end <= ports && view.ranges.length < ports ? this.fillPorts() : noPorts;
  }

  /** Who answers at an address; the range for "nothing here" where nobody does. */
  find(address: number): FlatRange {
    const window = (address / fourGiB) | 0;
    if (address < 0 || address >= fourGiB * largestWindow) return this.ranges[this.view.indexOf(address) + 1]!;
    const directory = window === 0 ? this.low : this.directory(window);
    const page = (address >>> 0) >>> pageShift;
    const leaf = directory[page >>> leafShift];
    const entry = leaf === undefined ? 0 : leaf[page & leafMask]!;
    if (entry > 0) return this.ranges[entry - 1]!;
    if (entry < 0) return this.ranges[this.shared[-entry - 1]![address & (pageSize - 1)]!]!;
    return this.learn(address, directory, page);
  }

  private directory(window: number): Directory {
    let directory = this.windows.get(window);
    if (directory === undefined) {
      directory = [];
      this.windows.set(window, directory);
    }
    return directory;
  }

  private learn(address: number, directory: Directory, page: number): FlatRange {
    const index = this.view.indexOf(address);
    directory[page >>> leafShift] ??= new Int32Array(1 << leafShift);
    const leaf = directory[page >>> leafShift]!;
    const start = address - (address & (pageSize - 1));
    const found = this.ranges[index + 1]!;
    if (index >= 0 && found.start <= start && found.end >= start + pageSize) leaf[page & leafMask] = index + 2;
    else leaf[page & leafMask] = this.sharePage(start);
    return found;
  }

  /** The table of a page in which several ranges, or a range and a hole, meet. A page without any range needs none. */
  private sharePage(start: number): number {
    const ranges = this.view.ranges;
    let index = firstEndingAfter(ranges, start);
    const first = ranges[index];
    if (first === undefined || first.start >= start + pageSize) return 1;
    if (ranges.length >= ports) return 0;
    const table = new Uint16Array(pageSize);
    for (; index < ranges.length && ranges[index]!.start < start + pageSize; index++) {
      const range = ranges[index]!;
      table.fill(index + 1, Math.max(range.start - start, 0), Math.min(range.end - start, pageSize));
    }
    return -this.shared.push(table);
  }

  private fillPorts(): Uint16Array {
    const table = new Uint16Array(ports);
    const ranges = this.ranges;
    for (let index = 1; index < ranges.length; index++) {
      const range = ranges[index]!;
      if (range.end - range.start <= 8) for (let port = range.start; port < range.end; port++) table[port] = index;
      else table.fill(index, range.start, range.end);
    }
    return table;
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
