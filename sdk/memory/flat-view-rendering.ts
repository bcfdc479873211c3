import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import { WholeSpace } from './address-range.ts';
import { emptyFlatView, FlatRange, FlatView } from './flat-view.ts';
import type { MemoryRegion } from './memory-region.ts';

// The rule is recursive: a region shows its children, highest priority and newest first. Then it shows itself in the gaps.
// Filling the gaps literally is quadratic. Here the recursion only collects each visible piece, in the order in which it
// may claim addresses: its rank. One sweep over the starts gives each address to the open claim of the lowest rank, with
// the open claims in a heap. That is N log N, with the same answer.

const deepestTree = 512;

/** Skips aliases and containers that add nothing, so that spaces which show the same things share one view. */
export function viewRootOf(root: MemoryRegion): MemoryRegion | null {
  let region = root;
  // QEMU skips read-only and non-volatile ones too and loses their flag.
  for (let depth = 0; region.enabled && depth < deepestTree; depth++) {
    if (region.readOnly || region.nonvolatile) return region;
    const target = region.aliasTarget;
    if (target !== undefined) {
      if (region.aliasOffset !== 0 || region.size < target.size) return region;
      region = target;
      continue;
    }
    if (region.terminates) return region;
    const only = onlyChild(region);
    if (only === null) return null;
    if (only === undefined || only.address !== 0 || only.size > region.size) return region;
    region = only;
  }
  return region.enabled ? region : null;
}

/** null: no child is enabled; undefined: several are. */
function onlyChild(region: MemoryRegion): MemoryRegion | null | undefined {
  let only: MemoryRegion | null = null;
  for (const child of region.children) {
    if (!child.enabled) continue;
    if (only !== null) return undefined;
    only = child;
  }
  return only;
}

export function renderFlatView(root: MemoryRegion | null): FlatView {
  if (root === null) return emptyFlatView;
  const pieces: FlatRange[] = [];
  // A root found through an alias may lie anywhere in its own container: here its first byte is address 0.
  collect(root, -root.address, 0, WholeSpace, false, false, pieces, 0);
  return pieces.length === 0 ? new FlatView(root, []) : new FlatView(root, sweep(pieces));
}

/** Keeps sums beyond 2^53 to 4 KiB; only the last page of the 64-bit space can notice. */
function endOf(base: number, size: number): number {
  const end = base + size;
  return end > Number.MAX_SAFE_INTEGER ? Math.floor(end / 4096) * 4096 : end;
}

function collect(
  region: MemoryRegion,
  parentBase: number,
  clipStart: number,
  clipEnd: number,
  parentReadOnly: boolean,
  parentNonvolatile: boolean,
  pieces: FlatRange[],
  depth: number,
): void {
  if (!region.enabled) return;
  const base = parentBase + region.address;
  const start = Math.max(base, clipStart);
  const end = Math.min(endOf(base, region.size), clipEnd);
  if (start >= end) return;
  const readOnly = parentReadOnly || region.readOnly;
  const nonvolatile = parentNonvolatile || region.nonvolatile;
  if (depth > deepestTree) {
    throw new BackplaneError(
      'alias-loop',
      `Memory: '${region.name}' at ${hex(start)} is nested more than ${deepestTree} levels deep, so an alias leads back ` +
        'to a region that contains it. Point the alias elsewhere.',
    );
  }
  const target = region.aliasTarget;
  if (target !== undefined) {
    const targetBase = base - target.address - region.aliasOffset;
    collect(target, targetBase, start, end, readOnly, nonvolatile, pieces, depth + 1);
    return;
  }
  const children = region.children;
  for (let index = 0; index < children.length; index++) {
    collect(children[index]!, base, start, end, readOnly, nonvolatile, pieces, depth + 1);
  }
  if (region.terminates) pieces.push(new FlatRange(region, start, end, 0 - base, readOnly, nonvolatile));
}

function sweep(pieces: readonly FlatRange[]): FlatRange[] {
  const count = pieces.length;
  const order = ranksByStart(pieces);
  const open = new RankHeap(count);
  const ranges: FlatRange[] = [];
  let next = 0;
  let position = 0;
  for (;;) {
    while (open.size > 0 && pieces[open.top()]!.end <= position) open.pop();
    if (open.size === 0) {
      if (next >= count) return ranges;
      position = pieces[order[next]!]!.start;
    }
    while (next < count && pieces[order[next]!]!.start <= position) open.push(order[next++]!);
    const rank = open.top();
    const owner = pieces[rank]!;
    let end = owner.end;
    for (; next < count; next++) {
      const candidate = order[next]!;
      const { start } = pieces[candidate]!;
      if (start >= end) break;
      if (candidate < rank) {
        end = start;
        break;
      }
      open.push(candidate);
    }
    append(ranges, owner, position, end);
    position = end;
  }
}

function append(ranges: FlatRange[], owner: FlatRange, start: number, end: number): void {
  const piece = owner.cut(start, end);
  const last = ranges[ranges.length - 1];
  if (last?.canMerge(piece)) ranges[ranges.length - 1] = last.cut(last.start, end);
  else ranges.push(piece);
}

/** Ranks sorted by where their pieces start. Already sorted input, in either direction, costs one pass. */
function ranksByStart(pieces: readonly FlatRange[]): Int32Array {
  const order = new Int32Array(pieces.length);
  for (let rank = 1; rank < order.length; rank++) order[rank] = rank;
  let rising = true;
  let falling = true;
  for (let rank = 1; rank < pieces.length; rank++) {
    const step = pieces[rank]!.start - pieces[rank - 1]!.start;
    if (step < 0) rising = false;
    if (step >= 0) falling = false;
  }
  if (rising) return order;
  if (falling) return order.reverse();
  return sortPacked(pieces) ?? order.sort((a, b) => pieces[a]!.start - pieces[b]!.start || a - b);
}

/** Start and rank packed into one number each, which sorts natively: where both fit, as they nearly always do. */
function sortPacked(pieces: readonly FlatRange[]): Int32Array | undefined {
  const ranks = 2 ** Math.ceil(Math.log2(pieces.length));
  const keys = new Float64Array(pieces.length);
  for (let rank = 0; rank < keys.length; rank++) keys[rank] = pieces[rank]!.start * ranks + rank;
  keys.sort();
  if (keys[keys.length - 1]! > Number.MAX_SAFE_INTEGER) return undefined;
  const order = new Int32Array(keys.length);
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index]!;
    order[index] = key - Math.floor(key / ranks) * ranks;
  }
  return order;
}

/** A binary min-heap of ranks. */
class RankHeap {
  size = 0;
  private readonly slots: Int32Array;

  constructor(capacity: number) {
    this.slots = new Int32Array(capacity);
  }

  top(): number {
    return this.slots[0]!;
  }

  push(rank: number): void {
    const slots = this.slots;
    let hole = this.size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (slots[parent]! <= rank) break;
      slots[hole] = slots[parent]!;
      hole = parent;
    }
    slots[hole] = rank;
  }

  pop(): void {
    const slots = this.slots;
    const size = --this.size;
    const moved = slots[size]!;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      if (child + 1 < size && slots[child + 1]! < slots[child]!) child++;
      if (slots[child]! >= moved) break;
      slots[hole] = slots[child]!;
      hole = child;
    }
    slots[hole] = moved;
  }
}
