import { hex } from '../base/text.ts';
import { BackplaneError } from './errors.ts';
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
