import { extent } from '../device/registers/names.ts';
import {
  type AddressRange,
  type AddressSpace,
  type CoalescedZones,
  clipCoalescedRange,
  type MemoryRegion,
} from '../memory/index.ts';
import { clip, placementsIn, type RegionPlacement, regionsBelow, without } from './region-placement.ts';
import type {
  CoalescedRangeReport,
  CoalescedVerdict,
  Culprit,
  ExplainedMachine,
  NamedRegister,
  WidthVerdict,
} from './report.ts';

/** Explains the effect of every declared coalesced range, from flat views and declarations alone. */
export function explainCoalescedIo(machine: ExplainedMachine): CoalescedRangeReport[] {
  const ofDevices = machine.devices.flatMap((device) => device.regions);
  const known = [...regionsBelow([...ofDevices, machine.io.root, machine.memory.root])];
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
      reports.push(...(found.length > 0 ? found : [{ ...describe(machine, known, region, declared), ...unmapped }]));
    }
  }
  return reports;
}

const unmapped = {
  space: undefined,
  start: undefined,
  zones: [],
  missingZones: [],
  refusedZones: [],
  verdict: 'unmapped',
  widths: [],
  culprits: [],
} as const;

type Description = ReturnType<typeof describe>;

/** Facts of a declared range that do not depend on where it is mapped. */
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
  const registers = explained?.metadata?.registers.filter((register) => register.bank.name === region.name) ?? [];
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

/** Whether a register lies in a range of its region; an indexed register has no offset of its own. */
const meets = (register: NamedRegister, start: number, size: number): boolean =>
  register.indexedBy === undefined && register.offset < start + size && start < register.offset + extent(register);

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

/** The zones that the map allows: in force in the kernel, missing there, and refused by it. */
function inForce(machine: ExplainedMachine, space: AddressSpace, allowed: readonly AddressRange[]) {
  const { zones: known, refused } = machine.accelerator ?? {};
  if (known === undefined) return { zones: allowed, missingZones: [], refusedZones: [] };
  const isIn = (zones: CoalescedZones | undefined) => {
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

/** Priorities count among siblings: the culprit, or its container that is a sibling of the outranked region. */
function outranking(culprit: MemoryRegion, region: MemoryRegion): MemoryRegion {
  const ancestors = new Set<MemoryRegion>();
  for (let up: MemoryRegion | undefined = region; up; up = up.container) ancestors.add(up);
  let deciding = culprit;
  while (deciding.container && !ancestors.has(deciding.container)) deciding = deciding.container;
  return deciding.container ? deciding : culprit;
}

const AccessWidths = [1, 2, 4, 8] as const;

/**
 * Counts, for each width, the offsets inside `declared` at which a write may begin, and those at which one zone holds it whole.
 * A write counts if some handler takes it. Misaligned writes count where the region takes them whole.
 */
function judgeWidths(
  region: MemoryRegion,
  declared: readonly AddressRange[],
  zones: readonly AddressRange[],
): readonly WidthVerdict[] {
  const verdicts: WidthVerdict[] = [];
  for (const width of AccessWidths) {
    let places = 0;
    let fitting = 0;
    for (const starts of writeStarts(region, width)) {
      const step = starts.unaligned ? 1 : width;
      for (const range of declared) places += countStarts(starts, range, width, step);
      for (const zone of zones) fitting += countStarts(starts, zone, width, step);
    }
    if (places > 0) verdicts.push({ width, places, fitting });
  }
  return verdicts;
}

interface WriteStarts {
  readonly from: number;
  readonly to: number;
  readonly unaligned: boolean;
}

/** The offsets at which writes of this width may begin, as ranges. */
function writeStarts(region: MemoryRegion, width: number): WriteStarts[] {
  const { ops } = region;
  const most = ops.acceptedMax === 0 ? 4 : ops.acceptedMax;
  if (width > most || width < ops.acceptedMin) return [];
  const unaligned = ops.acceptsUnaligned && ops.implementsUnaligned;
  // A handler gets the access split, or widened, to the widths that the region implements.
  const seen = Math.max(Math.min(width, ops.implementedMax), ops.implementedMin);
  return ops.writes.handlers
    .filter((handler) => (handler.widths & seen) !== 0)
    .map((handler) => ({ from: handler.offset, to: Math.min(handler.end, region.size), unaligned }));
}

function countStarts(starts: WriteStarts, inside: AddressRange, width: number, step: number): number {
  const from = Math.max(starts.from, inside.start);
  const to = Math.min(starts.to, inside.start + inside.size - width + 1);
  return Math.max(0, Math.ceil(to / step) - Math.ceil(from / step));
}
