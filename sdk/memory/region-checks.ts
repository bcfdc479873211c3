import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import { describeRange, GiB } from './address-range.ts';
import type { CoalescedRange } from './memory-listener.ts';
import type { MemoryRegion } from './memory-region.ts';

/** Refuses a child that cannot be where it is put. Overlap is not refused: priorities and order decide it. */
export function checkChild(container: MemoryRegion, child: MemoryRegion, priority: number): void {
  const refuse = (why: string): never => {
    throw new BackplaneError(`Region '${container.name}': cannot hold '${child.name}': ${why}`);
  };
  if (child.topology !== container.topology) refuse('it belongs to another machine. Create both with one topology.');
  if (container.aliasTarget !== undefined) {
    refuse(`an alias has no children. Add it to the target '${container.aliasTarget.name}'.`);
  }
  if (child.container !== undefined) {
    refuse(`it is in '${child.container.name}' already. Remove it there first, or add an alias of it.`);
  }
  if (!Number.isInteger(priority)) refuse(`its priority is ${priority}. Give a whole number.`);
  for (let above: MemoryRegion | undefined = container; above !== undefined; above = above.container) {
    if (above === child)
      refuse('it contains this region, and a region cannot lie inside itself. Use an alias of a part.');
  }
}

export function checkWidth({ name }: { readonly name: string }, address: number, size: number): void {
  if (size === 1 || size === 2 || size === 3 || size === 4) return;
  throw new BackplaneError(
    `Address space '${name}': an access at ${hex(address)} is ${size} bytes wide. ` +
      'Use 1, 2 or 4 here, read64 and write64 for 8, readBytes and writeBytes for more.',
  );
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

/** A Uint8Array stops here on Node 20. */
export const LargestRamBlock = 4 * GiB;

export function checkRamSize(name: string, size: number): void {
  if (Number.isInteger(size) && size >= 0 && size <= LargestRamBlock) return;
  throw new BackplaneError(
    `RAM '${name}': one block holds at most 4 GiB, not ${hex(size)} bytes. Split it into several regions.`,
  );
}
