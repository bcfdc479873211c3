import { pciBars } from '../bus/index.ts';
import type { MemoryRegion } from '../memory/index.ts';
import type { Machine } from './machine.ts';

/** Looks at a machine that was just built and answers with warnings. */
export type BuildCheck = (machine: Machine) => readonly string[];

/**
 * What is asked of every new machine. The explaining rooms lie above this one and add themselves here, so that a
 * machine warns without knowing how the explanation works.
 */
export const buildChecks: BuildCheck[] = [unmappedRegions];

/** Regions that no guest reaches: without an address, no BAR, and mapped by no device, directly or by an alias. */
function unmappedRegions({ devices, addressSpaces }: Machine): string[] {
  const detached = devices.flatMap(({ id, device, blueprint }) => {
    const bars = blueprint.facet(pciBars) ?? [];
    return blueprint.regions
      .filter(({ template }) => !bars.some(({ region }) => region === template))
      .map(({ template }) => ({ id, region: device.region(template) }))
      .filter(({ region }) => region.container === undefined);
  });
  if (detached.length === 0) return [];
  const reached = new Set<MemoryRegion>();
  for (const { root } of addressSpaces) reach(root, reached);
  return detached
    .filter(({ region }) => !reached.has(region))
    .map(
      ({ id, region: { name } }) =>
        `Device '${id}': region '${name}' has no base, and nothing has mapped it: no guest reaches it. Give the region a base, ` +
        'place it in the machine with at: [place(region, address)], or map it in onRealize(), disabled if it is to appear later.',
    );
}

/** The region, what it contains, and what its aliases lead to. */
function reach(region: MemoryRegion, reached: Set<MemoryRegion>): void {
  if (reached.has(region)) return;
  reached.add(region);
  if (region.aliasTarget !== undefined) reach(region.aliasTarget, reached);
  for (const child of region.children) reach(child, reached);
}
