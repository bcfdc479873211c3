import type { AddressRange, AddressSpace, MemoryRegion } from '../../memory/index.ts';

/** Where an address space would show a region if nothing outranked it. */
export interface RegionPlacement {
  readonly space: AddressSpace;
  readonly region: MemoryRegion;
  /** The address of the region's first byte; negative when an alias shows only what lies further in. */
  readonly base: number;
  /** What containers and alias windows leave of it, as addresses: sorted, apart from each other. */
  readonly windows: readonly AddressRange[];
}

/**
 * Walks the tree of an address space as rendering does, priorities ignored, and collects where the wanted regions
 * lie. A region that the walk does not meet is not mapped, or disabled; one that it meets and the flat view does not
 * show is outranked.
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
export function clip(range: AddressRange, windows: readonly AddressRange[]): AddressRange[] {
  const parts: AddressRange[] = [];
  for (const window of windows) {
    const start = Math.max(range.start, window.start);
    const end = Math.min(range.start + range.size, window.start + window.size);
    if (start < end) parts.push({ start, size: end - start });
  }
  return parts;
}

/** The parts of `range` that none of the sorted `covered` ranges takes. */
export function without(range: AddressRange, covered: readonly AddressRange[]): AddressRange[] {
  const parts: AddressRange[] = [];
  const end = range.start + range.size;
  let from = range.start;
  for (const { start, size } of covered) {
    if (start > from) parts.push({ start: from, size: Math.min(start, end) - from });
    from = Math.max(from, start + size);
    if (from >= end) break;
  }
  if (from < end) parts.push({ start: from, size: end - from });
  return parts;
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
