import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import { GiB } from './address-range.ts';

/** What a check knows of a region: its place in the tree. */
interface TreeNode {
  readonly name: string;
  readonly topology: object;
  readonly aliasTarget: TreeNode | undefined;
  readonly container: TreeNode | undefined;
}

/** Refuses a child that cannot be where it is put. Overlap is not refused: priorities and order decide it. */
export function checkChild(container: TreeNode, child: TreeNode, priority: number): void {
  const refuse = (code: string, why: string): never => {
    throw new BackplaneError(code, `Region '${container.name}': cannot hold '${child.name}': ${why}`);
  };
  if (child.topology !== container.topology)
    refuse('foreign-region', 'it belongs to another machine. Create both with one topology.');
  if (container.aliasTarget !== undefined) {
    refuse('alias-with-children', `an alias has no children. Add it to the target '${container.aliasTarget.name}'.`);
  }
  if (child.container !== undefined) {
    refuse(
      'region-mapped-twice',
      `it is in '${child.container.name}' already. Remove it there first, or add an alias of it.`,
    );
  }
  if (!Number.isInteger(priority)) refuse('invalid-priority', `its priority is ${priority}. Give a whole number.`);
  for (let above: TreeNode | undefined = container; above !== undefined; above = above.container) {
    if (above === child)
      refuse(
        'region-inside-itself',
        'it contains this region, and a region cannot lie inside itself. Use an alias of a part.',
      );
  }
}

export function checkWidth({ name }: { readonly name: string }, address: number, size: number): void {
  if (size === 1 || size === 2 || size === 3 || size === 4) return;
  throw new BackplaneError(
    'invalid-access-width',
    `Address space '${name}': an access at ${hex(address)} is ${size} bytes wide. ` +
      'Use 1, 2 or 4 here, read64 and write64 for 8, readBytes and writeBytes for more.',
  );
}

/** For an access whose address is negative or no whole number. */
export function refuseAccess(where: string, address: number): never {
  throw new BackplaneError(
    'address-out-of-range',
    `${where}: an access at ${address}. Give a whole number from 0 to 2^64 - 1.`,
  );
}

/** A Uint8Array stops here on Node 20. */
export const LargestRamBlock = 4 * GiB;

export function checkRamSize(name: string, size: number): void {
  if (Number.isInteger(size) && size >= 0 && size <= LargestRamBlock) return;
  throw new BackplaneError(
    'ram-too-large',
    `RAM '${name}': one block holds at most 4 GiB, not ${hex(size)} bytes. Split it into several regions.`,
  );
}
