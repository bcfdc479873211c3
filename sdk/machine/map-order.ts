import { BackplaneError } from '../base/errors.ts';
import type { MemoryRegion, MemoryTopology } from '../memory/index.ts';

/**
 * The regions of each container and priority, the one in front first. Of equal priorities the newest is in front, so the order in
 * which a guest mapped its BARs is state.
 */
export type MapOrder = ReadonlyMap<string, readonly string[]>;

interface Siblings {
  readonly container: MemoryRegion;
  readonly names: readonly string[];
  readonly regions: readonly MemoryRegion[];
}

/** The present order of a machine's regions. */
export function mapOrder(topology: MemoryTopology): MapOrder {
  return new Map([...siblingsIn(topology)].map(([key, { names }]) => [key, names]));
}

/** The regions in front that do not follow from building the machine: they were mapped later, or moved. */
export function changedOrder(order: MapOrder, whenBuilt: MapOrder): { readonly [key: string]: readonly string[] } {
  const changed = [...order].map(([key, names]) => {
    const present = new Set(names);
    const built = (whenBuilt.get(key) ?? []).filter((name) => present.has(name));
    let same = 0;
    while (same < Math.min(built.length, names.length) && built.at(-1 - same) === names.at(-1 - same)) same++;
    return [key, names.slice(0, names.length - same)] as const;
  });
  // A region that was mapped later is in front anyway.
  return Object.fromEntries(
    changed.filter(([key, [first, ...more]]) => {
      return first !== undefined && (more.length > 0 || whenBuilt.get(key)?.includes(first) === true);
    }),
  );
}

/** The whole order, from its changed part. Refuses regions that do not exist. */
export function completeOrder(
  changed: ReadonlyMap<string, readonly string[]>,
  topology: MemoryTopology,
  whenBuilt: MapOrder,
): MapOrder {
  const present = mapOrder(topology);
  for (const [key, names] of changed) {
    const known = new Set(present.get(key));
    const lost = names.find((name) => !known.has(name));
    if (lost !== undefined)
      throw new BackplaneError(
        'state-mismatch',
        `in front of other regions in '${key}' was '${lost}', which is not there`,
      );
  }
  return new Map(
    [...present.keys()].map((key) => {
      const front = new Set(changed.get(key));
      return [key, [...(changed.get(key) ?? []), ...(whenBuilt.get(key) ?? []).filter((name) => !front.has(name))]];
    }),
  );
}

/** Maps the regions in this order. A region that it does not name stays in front. */
export function arrangeMap(topology: MemoryTopology, order: MapOrder): void {
  topology.transaction(() => {
    for (const [key, { container, names, regions }] of siblingsIn(topology)) {
      const places = new Map((order.get(key) ?? []).map((name, place) => [name, place]));
      const placed = regions.map((region, index) => ({ region, place: places.get(names[index] as string) ?? -1 }));
      const sorted = placed.sort((a, b) => a.place - b.place).map(({ region }) => region);
      if (sorted.every((region, index) => region === regions[index])) continue;
      for (const region of sorted.reverse()) {
        const { address, priority } = region;
        container.removeSubregion(region);
        container.addSubregion(address, region, priority);
      }
    }
  });
}

/** The regions of each container and priority, wherever there are two. */
function siblingsIn({ addressSpaces }: MemoryTopology): ReadonlyMap<string, Siblings> {
  const found = new Map<string, Siblings>();
  const seen = new Set<MemoryRegion>();
  const unique = uniqueNames();
  const look = (region: MemoryRegion) => {
    if (seen.has(region)) return;
    seen.add(region);
    for (const [priority, regions] of byPriority(region.children)) {
      if (regions.length < 2) continue;
      found.set(unique(`${nameOf(region)} ${priority}`), { container: region, regions, names: namesOf(regions) });
    }
    if (region.aliasTarget !== undefined) look(region.aliasTarget);
    // In an order that does not depend on the order of mapping.
    for (const child of [...region.children].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))) look(child);
  };
  for (const { root } of addressSpaces) look(root);
  return found;
}

function byPriority(regions: readonly MemoryRegion[]): ReadonlyMap<number, readonly MemoryRegion[]> {
  const groups = new Map<number, MemoryRegion[]>();
  for (const region of regions) {
    const group = groups.get(region.priority);
    if (group === undefined) groups.set(region.priority, [region]);
    else group.push(region);
  }
  return groups;
}

/** Regions of one name are numbered by their addresses. */
function namesOf(regions: readonly MemoryRegion[]): string[] {
  const unique = uniqueNames();
  const inOrder = [...regions].sort((a, b) => a.address - b.address || a.size - b.size);
  const numbered = new Map(inOrder.map((region) => [region, unique(nameOf(region))]));
  return regions.map((region) => numbered.get(region) as string);
}

const nameOf = ({ owner, name }: MemoryRegion): string => (owner === undefined ? name : `${owner.id}/${name}`);

/** Adds a number to a name that was taken already. */
function uniqueNames(): (name: string) => string {
  const taken = new Set<string>();
  const last = new Map<string, number>();
  return (name) => {
    let unique = name;
    for (let number = last.get(name) ?? 2; taken.has(unique); number++) {
      unique = `${name} (${number})`;
      last.set(name, number);
    }
    taken.add(unique);
    return unique;
  };
}
