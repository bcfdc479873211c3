import type { RegisterDeclaration } from '../device/index.ts';
import {
  type AddressRange,
  type AddressSpace,
  clipCoalescedRange,
  type MemoryRegion,
  type RegionOwner,
} from '../memory/index.ts';
import { clip, placementsIn, type RegionPlacement, without } from './region-placement.ts';
import { judgeWidths, type WidthVerdict } from './write-widths.ts';

/** What insight needs to know of a machine; a `Machine` is one. */
export interface ExplainedMachine {
  /** What the processor reaches: zones exist in these two spaces and in no other. */
  readonly io: AddressSpace;
  readonly memory: AddressSpace;
  readonly devices: readonly ExplainedDevice[];
  /** Which zones its kernel was told of, and took. Without it every zone is taken to be in force. */
  readonly accelerator?: {
    readonly zones: CoalescedZonesInForce | undefined;
    /** Those that its kernel had no room for. */
    readonly refused?: CoalescedZonesInForce;
  };
}

type CoalescedZonesInForce = { readonly ports: readonly AddressRange[]; readonly memory: readonly AddressRange[] };

export interface ExplainedDevice {
  readonly id: string;
  readonly device: RegionOwner;
  /** The regions of its class, mapped or not. */
  readonly regions: readonly MemoryRegion[];
  /** What its class declares of its registers. */
  readonly blueprint?: { readonly registers: readonly NamedRegister[] };
  /** Regions that the class declared independent of what the given region queues. */
  independentOf(region: MemoryRegion): readonly MemoryRegion[];
}

type NamedRegister = Pick<RegisterDeclaration, 'name' | 'offset' | 'width' | 'count' | 'stride' | 'indexedBy'> & {
  readonly region: { readonly name: string };
};

/**
 * alive: every write that the region takes inside the range can be queued. narrowed: only some widths or places.
 * dead: none. off: the accelerator queues none, by its options or for want of a capability or of room. unprotected: queued
 * writes can be overtaken by a read of the same device. unmapped: it lies nowhere at the moment, as a BAR that the guest has
 * not enabled.
 */
export type CoalescedVerdict = 'alive' | 'narrowed' | 'dead' | 'off' | 'unprotected' | 'unmapped';

/** A region that shows where the declared range should. */
export interface Culprit {
  readonly region: string;
  readonly device: string | undefined;
  readonly priority: number;
  /** Set when another region decides: the container, inside which the culprit lies, that outranks. */
  readonly through: { readonly region: string; readonly priority: number } | undefined;
  readonly start: number;
  readonly size: number;
}

/** One declared range at one place of one address space. */
export interface CoalescedRangeReport {
  readonly device: string | undefined;
  readonly region: string;
  readonly priority: number;
  /** Offsets in the region, as declared. */
  readonly declared: { readonly offset: number; readonly size: number };
  /** The declared registers in the range, by name. */
  readonly registers: readonly string[];
  /** The name of the address space, and where the range lies in it; undefined while it is not mapped. */
  readonly space: string | undefined;
  readonly start: number | undefined;
  /** The zones in force: a write is queued only if one of these holds all of it. */
  readonly zones: readonly AddressRange[];
  /** Zones that the map allows and the kernel does not have. */
  readonly missingZones: readonly AddressRange[];
  /** Those of them that the kernel was asked for and had no room for. */
  readonly refusedZones: readonly AddressRange[];
  /** Regions whose accesses first deliver what is queued; the region itself is always one. */
  readonly flushPartners: readonly string[];
  readonly verdict: CoalescedVerdict;
  readonly widths: readonly WidthVerdict[];
  readonly culprits: readonly Culprit[];
  /** Regions of the same device that can be read while a write is still queued. */
  readonly unprotectedReads: readonly string[];
}

/** Says of every declared coalesced range what has become of it. Works from flat views and declarations alone. */
export function explainCoalescedIo(machine: ExplainedMachine): CoalescedRangeReport[] {
  const known = knownRegions(machine);
  const regions = known.filter((region) => region.coalescedRanges.length > 0);
  const wanted = new Set(regions);
  const placements = [machine.io, machine.memory].flatMap((space) => placementsIn(space, wanted));
  const reports: CoalescedRangeReport[] = [];
  for (const region of regions) {
    const here = placements.filter((placement) => placement.region === region);
    for (const declared of region.coalescedRanges) {
      const found = here.flatMap(
        (placement) => explainPlacement(machine, placement, describe(machine, known, region, declared)) ?? [],
      );
      reports.push(...(found.length > 0 ? found : [{ ...describe(machine, known, region, declared), ...nowhere }]));
    }
  }
  return reports;
}

const nowhere = {
  space: undefined,
  start: undefined,
  zones: [],
  missingZones: [],
  refusedZones: [],
  verdict: 'unmapped',
  widths: [],
  culprits: [],
} as const;

/** Every region there is: those of devices, mapped or not, then what else the trees hold. */
function knownRegions(machine: ExplainedMachine): MemoryRegion[] {
  const seen = new Set<MemoryRegion>();
  const visit = (region: MemoryRegion): void => {
    if (seen.has(region)) return;
    seen.add(region);
    if (region.aliasTarget) visit(region.aliasTarget);
    for (const child of region.children) visit(child);
  };
  for (const device of machine.devices) for (const region of device.regions) visit(region);
  visit(machine.io.root);
  visit(machine.memory.root);
  return [...seen];
}

type Description = ReturnType<typeof describe>;

/** What is true of a declared range wherever it is mapped. */
function describe(
  machine: ExplainedMachine,
  known: readonly MemoryRegion[],
  region: MemoryRegion,
  { offset, size }: { readonly offset: number; readonly size: number },
) {
  const { owner } = region;
  const others = owner === undefined ? [] : known.filter((other) => other !== region && other.owner === owner);
  const explained = machine.devices.find(({ device }) => device === owner);
  const independent = explained?.independentOf(region) ?? [];
  const registers = explained?.blueprint?.registers.filter((register) => register.region.name === region.name) ?? [];
  const unguarded = others.filter(
    (other) => other.ops.reads.handlers.length > 0 && !other.flushCoalescedIo && !independent.includes(other),
  );
  return {
    device: owner?.id,
    region: region.name,
    priority: region.priority,
    declared: { offset, size },
    registers: registers.filter((register) => meets(register, offset, size)).map(({ name }) => name),
    flushPartners: [region, ...others].filter((other) => other.flushCoalescedIo).map((other) => other.name),
    unprotectedReads: unguarded.map((other) => other.name),
  };
}

/** An indexed register has no place of its own. */
function meets(
  { offset, width, count = 1, stride = 0, indexedBy }: NamedRegister,
  start: number,
  size: number,
): boolean {
  const end = offset + (count - 1) * stride + width / 8;
  return indexedBy === undefined && offset < start + size && start < end;
}

function explainPlacement(
  machine: ExplainedMachine,
  { space, region, base, windows }: RegionPlacement,
  description: Description,
): CoalescedRangeReport | undefined {
  const { declared } = description;
  const shown = clip({ start: base + declared.offset, size: declared.size }, windows);
  const first = shown[0];
  if (first === undefined) return undefined;
  const allowed = space.flatView.ranges
    .filter((section) => section.region === region && section.start - section.offsetInRegion === base)
    .flatMap((section) => clipCoalescedRange(section, declared) ?? []);
  const { zones, missingZones, refusedZones } = inForce(machine, space, allowed);
  const inRegion = (range: AddressRange) => ({ start: range.start - base, size: range.size });
  const widths = judgeWidths(region, shown.map(inRegion), zones.map(inRegion));
  return {
    ...description,
    space: space.name,
    start: first.start,
    zones,
    missingZones,
    refusedZones,
    widths,
    culprits: shown.flatMap((part) => without(part, allowed)).flatMap((gap) => culpritsIn(space, region, gap)),
    verdict: zones.length === 0 && missingZones.length > 0 ? 'off' : judge(widths, description.unprotectedReads),
  };
}

/** Of the zones that the map allows: those that the kernel has, those that it has not, and of these those that it refused. */
function inForce(machine: ExplainedMachine, space: AddressSpace, allowed: readonly AddressRange[]) {
  const { zones: known, refused } = machine.accelerator ?? {};
  if (known === undefined) return { zones: allowed, missingZones: [], refusedZones: [] };
  const isIn = (zones: CoalescedZonesInForce | undefined) => {
    const here = (space === machine.io ? zones?.ports : zones?.memory) ?? [];
    return (zone: AddressRange) => here.some(({ start, size }) => start === zone.start && size === zone.size);
  };
  const isTaken = isIn(known);
  return {
    zones: allowed.filter(isTaken),
    missingZones: allowed.filter((zone) => !isTaken(zone)),
    refusedZones: allowed.filter(isIn(refused)),
  };
}

function judge(widths: readonly WidthVerdict[], unprotectedReads: readonly string[]): CoalescedVerdict {
  if (widths.every(({ fitting }) => fitting === 0)) return 'dead';
  if (unprotectedReads.length > 0) return 'unprotected';
  return widths.some(({ fitting, places }) => fitting < places) ? 'narrowed' : 'alive';
}

function culpritsIn(space: AddressSpace, region: MemoryRegion, gap: AddressRange): Culprit[] {
  return space.flatView.ranges
    .filter((section) => section.start < gap.start + gap.size && section.start + section.size > gap.start)
    .map((section) => {
      const culprit = section.region;
      const deciding = outranking(culprit, region);
      return {
        region: culprit.name,
        device: culprit.owner?.id,
        priority: culprit.priority,
        through: deciding === culprit ? undefined : { region: deciding.name, priority: deciding.priority },
        start: section.start,
        size: section.size,
      };
    });
}

/** Priorities count among siblings: the culprit, or the container around it that is a sibling of what it outranks. */
function outranking(culprit: MemoryRegion, region: MemoryRegion): MemoryRegion {
  const ancestors = new Set<MemoryRegion>();
  for (let up: MemoryRegion | undefined = region; up; up = up.container) ancestors.add(up);
  let deciding = culprit;
  while (deciding.container && !ancestors.has(deciding.container)) deciding = deciding.container;
  return deciding.container ? deciding : culprit;
}
