import type { AddressRange, MemoryRegion } from '../memory/index.ts';

const AccessWidths = [1, 2, 4, 8] as const;

/** How the guest's writes of one width, inside a declared range, meet the zones. */
export interface WidthVerdict {
  /** Bytes of one write. */
  readonly width: number;
  /** At how many places inside the range such a write may begin, and at how many of them one zone holds it whole. */
  readonly places: number;
  readonly fitting: number;
}

/**
 * Counts, for each width that the region takes, where a write may begin inside `declared` and where a zone holds it
 * whole. All are offsets in the region. A write counts that some handler takes: one that the region ignores is nobody's
 * loss. Misaligned writes count where the region takes them whole.
 */
export function judgeWidths(
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

/** Where in the region writes of this width may begin, as ranges of offsets. */
function writeStarts(region: MemoryRegion, width: number): WriteStarts[] {
  const { ops } = region;
  const most = ops.acceptedMax === 0 ? 4 : ops.acceptedMax;
  if (width > most || width < ops.acceptedMin) return [];
  const unaligned = ops.acceptsUnaligned && ops.implementsUnaligned;
  // What a handler sees is the access split, or widened, to what the region implements.
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
