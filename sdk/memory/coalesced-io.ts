import { describeRange } from './address-range.ts';
import { BackplaneError } from './errors.ts';
import type { MemorySection } from './memory-listener.ts';
import type { MemoryRegion } from './memory-region.ts';

/** Delivers the writes that wait in a ring. The accelerator implements it; this room only calls it. */
export interface CoalescedIoFlusher {
  flushCoalescedIo(): void;
}

export const noCoalescedIo: CoalescedIoFlusher = { flushCoalescedIo() {} };

/** Bytes of a region whose writes may be queued. */
export interface CoalescedRange {
  readonly offset: number;
  readonly size: number;
}

/** The part of a declared range that shows through a section, in addresses of its space; undefined if none does. */
export function clipCoalescedRange(
  section: MemorySection,
  range: CoalescedRange,
): { start: number; size: number } | undefined {
  const shifted = range.offset + section.start - section.offsetInRegion;
  const start = Math.max(shifted, section.start);
  const end = Math.min(shifted + range.size, section.start + section.size);
  return end > start ? { start, size: end - start } : undefined;
}

/** Refuses what could never work, with what to change. */
export function checkCoalescedRange(region: MemoryRegion, range: CoalescedRange): void {
  const { offset, size } = range;
  const what = `Region '${region.name}': cannot coalesce ${describeRange(offset, size)}`;
  if (region.kind !== 'io' && region.kind !== 'rom-device') {
    const hint = region.kind === 'alias' ? 'its target' : 'the region that has the handlers';
    throw new BackplaneError(`${what}: a region of kind ${region.kind} has no handlers. Declare the range on ${hint}.`);
  }
  if (!Number.isInteger(offset) || !Number.isInteger(size) || size <= 0) {
    throw new BackplaneError(`${what}: the range is ${size} bytes long. Give it a size of at least 1.`);
  }
  if (offset < 0 || offset + size > region.size) {
    throw new BackplaneError(
      `${what}: the region covers only ${describeRange(0, region.size)}. Keep the range inside the region.`,
    );
  }
  const twice = region.coalescedRanges.find(
    (known) => offset < known.offset + known.size && known.offset < offset + size,
  );
  if (twice !== undefined) {
    throw new BackplaneError(
      `${what}: ${describeRange(twice.offset, twice.size)} is coalesced already. Declare every byte once.`,
    );
  }
}
