import {
  type AddressRange,
  type AddressSpace,
  intersectRanges,
  type MemoryRegion,
  subtractRange,
} from '../memory/index.ts';

/** The addresses of a region in an address space, if nothing outranked it. */
export interface RegionPlacement {
  readonly space: AddressSpace;
  readonly region: MemoryRegion;
  /** The address of the region's first byte; negative if an alias shows only a later part. */
  readonly base: number;
  /** The parts that containers and aliases leave visible, as addresses: sorted and disjoint. */
  readonly windows: readonly AddressRange[];
}

/**
 * Finds the wanted regions in the tree of an address space, without regard to priorities. A region that is not found is not
 * mapped, or disabled. A region that is found, but is not in the flat view, is outranked.
 */
export function placementsIn(space: AddressSpace, wanted: ReadonlySet<MemoryRegion>): RegionPlacement[] {
  const found: { region: MemoryRegion; base: number; windows: AddressRange[] }[] = [];
  const visit = (region: MemoryRegion, origin: number, start: number, end: number): void => {
    if (!region.enabled) return;
    const base = origin + region.address;
    const from = Math.max(start, base);
    const to = Math.min(end, base + region.size);
    if (from >= to) return;
    if (wanted.has(region)) {
      const window = { start: from, size: to - from };
      const same = found.find((placement) => placement.region === region && placement.base === base);
      if (same === undefined) found.push({ region, base, windows: [window] });
      else same.windows.push(window);
    }
    const target = region.aliasTarget;
    if (target) visit(target, base - region.aliasOffset - target.address, from, to);
    for (const child of region.children) visit(child, base, from, to);
  };
  visit(space.root, 0, 0, 2 ** 64);
  return found.map((placement) => ({ ...placement, space, windows: merged(placement.windows) }));
}

/** The parts of `range` inside `windows`. */
export const clip = (range: AddressRange, windows: readonly AddressRange[]): AddressRange[] =>
  windows.flatMap((window) => intersectRanges(range, window) ?? []);

/** The parts of `range` that none of the `covered` ranges takes. */
export const without = (range: AddressRange, covered: readonly AddressRange[]): AddressRange[] =>
  covered.reduce((parts, hole) => parts.flatMap((part) => subtractRange(part, hole)), [range]);

/** Every region below these, each once: a region, what it is an alias of, then its children. */
export function regionsBelow(roots: readonly MemoryRegion[]): Set<MemoryRegion> {
  const seen = new Set<MemoryRegion>();
  const visit = (region: MemoryRegion): void => {
    if (seen.has(region)) return;
    seen.add(region);
    if (region.aliasTarget) visit(region.aliasTarget);
    region.children.forEach(visit);
  };
  roots.forEach(visit);
  return seen;
}

function merged(windows: readonly AddressRange[]): AddressRange[] {
  const result: AddressRange[] = [];
  for (const window of [...windows].sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last === undefined || window.start > last.start + last.size) {
      result.push(window);
      continue;
    }
    const end = Math.max(last.start + last.size, window.start + window.size);
    result[result.length - 1] = { start: last.start, size: end - last.start };
  }
  return result;
}
