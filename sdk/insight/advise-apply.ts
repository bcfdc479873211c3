import { hex } from '../base/text.ts';
import type { Machine, MachineDefinition } from '../machine/index.ts';
import { BackplaneError, MemoryRegion, RegionOps } from '../memory/index.ts';

/** What of a suggestion decides what is done. */
export interface Applicable {
  readonly kind: 'coalesce' | 'ioeventfd';
  readonly isPort: boolean;
  /** Guest addresses. */
  readonly start: number;
  readonly size: number;
  /** The device and the region that take the writes; absent where the machine models no device. */
  readonly device?: string;
  readonly region?: string;
  /** In the region, or the address itself. */
  readonly offset: number;
  /** The value that an ioeventfd takes. */
  readonly match?: number;
}

/** The same machine with the suggestion carried out: replay the recording on it to see that it holds. */
export function withSuggestion(definition: MachineDefinition, suggestion: Applicable): MachineDefinition {
  return {
    ...definition,
    prepare(machine) {
      definition.prepare?.(machine);
      carryOut(machine, suggestion);
    },
  };
}

function carryOut(machine: Machine, suggestion: Applicable): void {
  const { kind, size, match } = suggestion;
  const region = suggestion.region === undefined ? standIn(machine, suggestion) : regionOf(machine, suggestion);
  const offset = suggestion.region === undefined ? 0 : suggestion.offset;
  if (kind === 'coalesce') coalesce(region, offset, size);
  else {
    const fd = machine.accelerator.eventfd(() => {});
    region.addIoeventfd({ offset, size, fd, ...(match === undefined ? {} : { match }) });
  }
}

/** In the place of declared ranges that lie inside it. */
function coalesce(region: MemoryRegion, offset: number, size: number): void {
  const kept = region.coalescedRanges.filter(
    (range) => range.offset + range.size <= offset || offset + size <= range.offset,
  );
  region.clearCoalescedIo();
  for (const range of [...kept, { offset, size }]) region.addCoalescedIo(range);
}

/** Something that takes the writes where the machine models no device, and answers reads as an empty address does. */
function standIn(machine: Machine, { isPort, start, size }: Applicable): MemoryRegion {
  const ops = new RegionOps({ device: null, routes: [], valid: { unaligned: true }, missing: { read: 'ones' } });
  const region = MemoryRegion.io(machine.topology, `coalesced-${hex(start)}`, size, ops);
  (isPort ? machine.io : machine.memory).root.addSubregion(start, region);
  return region;
}

/** A device may have several regions of one name: the one that shows at the address now, if it shows. */
function regionOf(machine: Machine, suggestion: Applicable): MemoryRegion {
  const { isPort, start, device, region: name } = suggestion;
  const isMeant = (region: MemoryRegion) => region.name === name && region.owner?.id === device;
  const space = isPort ? machine.io : machine.memory;
  const shown = space.lookup(start)?.region;
  if (shown !== undefined && isMeant(shown)) return shown;
  const seen = new Set<MemoryRegion>();
  const visit = (region: MemoryRegion): MemoryRegion | undefined => {
    if (seen.has(region)) return undefined;
    seen.add(region);
    if (isMeant(region)) return region;
    const target = region.aliasTarget === undefined ? undefined : visit(region.aliasTarget);
    if (target !== undefined) return target;
    for (const child of region.children) {
      const found = visit(child);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const found = machine.deviceById(device ?? '')?.regions.find(isMeant) ?? visit(space.root);
  if (found !== undefined) return found;
  throw new BackplaneError(
    `machine '${machine.definition.name}' has no region '${name}' of a device '${device}'. ` +
      'Carry the suggestion out on the machine that it was made for.',
  );
}
