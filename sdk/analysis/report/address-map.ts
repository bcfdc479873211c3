import { explainCoalescedIo } from '../../coalescing/explain.ts';
import { placementsIn, regionsBelow, without } from '../../coalescing/region-placement.ts';
import type { CoalescedVerdict, ExplainedMachine } from '../../coalescing/report.ts';
import { explainVerdict } from '../../coalescing/text.ts';
import { type AddressRange, type AddressSpace, type MemoryRegion, rangesIntersect } from '../../memory/index.ts';

/** Something at some addresses: what the guest sees there, or what lies beneath and is not seen. */
export interface MapItem extends AddressRange {
  readonly name: string;
  readonly kind: string;
  /** Id and class of the device, and the file that it is written in, as far as there is one. */
  readonly device: string | undefined;
  readonly file: string | undefined;
  readonly priority: number;
  /** 0 is what the guest sees; 1 and up lie beneath. */
  readonly layer: number;
}

/** A declared coalesced range, and what became of it. */
export interface MapZone extends AddressRange {
  readonly device: string | undefined;
  readonly region: string;
  readonly verdict: CoalescedVerdict;
  readonly why: string;
  /** What the kernel was told. */
  readonly inForce: readonly AddressRange[];
}

export interface AddressMap {
  readonly space: string;
  readonly items: readonly MapItem[];
  readonly zones: readonly MapZone[];
}

/** What a class is called and where it is written; undefined for what is not known. */
export type DescribeDevice = (id: string) => { readonly name: string; readonly file: string | undefined } | undefined;

/** One address space as it is now: the flat view, what it hides, and the coalesced ranges. */
export function addressMap(machine: ExplainedMachine, space: AddressSpace, describe: DescribeDevice): AddressMap {
  const wanted = answeringRegions(space.root);
  const shown = space.flatView.ranges.filter(({ region }) => wanted.has(region));
  const items = shown.map(({ region, start, size }) => item(region, { start, size }, 0, describe));
  const hidden = placementsIn(space, wanted).flatMap(({ region, base, windows }) => {
    const seen = shown.filter((range) => range.region === region && range.start - range.offsetInRegion === base);
    return windows.flatMap((window) => without(window, seen)).map((range) => ({ region, range }));
  });
  for (const { region, range } of hidden.sort((a, b) => a.range.start - b.range.start || b.range.size - a.range.size)) {
    const taken = new Set(items.filter((other) => rangesIntersect(other, range)).map(({ layer }) => layer));
    let layer = 1;
    while (taken.has(layer)) layer++;
    items.push(item(region, range, layer, describe));
  }
  return { space: space.name, items, zones: zonesOf(machine, space) };
}

function zonesOf(machine: ExplainedMachine, space: AddressSpace): MapZone[] {
  return explainCoalescedIo(machine).flatMap((report) => {
    const { start, declared, device, region, verdict, zones } = report;
    if (report.space !== space.name || start === undefined) return [];
    const why = explainVerdict(report).join(' ');
    return [{ start, size: declared.size, device, region, verdict, why, inForce: zones }];
  });
}

/** Regions that answer: a device's, or RAM. What only fills a space with a constant is no part of the map. */
const answeringRegions = (root: MemoryRegion): Set<MemoryRegion> =>
  new Set(
    [...regionsBelow([root])].filter(
      ({ ram, kind, owner }) => ram !== undefined || (kind === 'io' && owner !== undefined),
    ),
  );

function item(region: MemoryRegion, { start, size }: AddressRange, layer: number, describe: DescribeDevice): MapItem {
  const { name, kind, priority, owner } = region;
  const known = owner === undefined ? undefined : describe(owner.id);
  const device = owner === undefined ? undefined : known === undefined ? owner.id : `${owner.id} (${known.name})`;
  return { name, kind, start, size, priority, layer, device, file: known?.file };
}
