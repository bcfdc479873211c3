/**
 * The smallest list found of which `fails` is still true: delta debugging over a list that fails as a whole.
 *
 * The failure is at the end of the list, so the tail is tried first, doubling its length; then pieces are left out,
 * large ones first, until no single element can be.
 */
export async function shrink<T>(list: readonly T[], fails: (part: readonly T[]) => Promise<boolean>): Promise<T[]> {
  let smallest = await shortestFailingTail(list, fails);
  let length = Math.ceil(smallest.length / 2);
  for (;;) {
    const before = smallest.length;
    smallest = await leavePiecesOut(smallest, length, fails);
    if (length === 1 && smallest.length === before) return smallest;
    length = Math.max(1, Math.ceil(Math.min(length, smallest.length) / 2));
  }
}

async function shortestFailingTail<T>(
  list: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
): Promise<T[]> {
  for (let length = 2; length < list.length; length *= 2) {
    const tail = list.slice(-length);
    if (await fails(tail)) return tail;
  }
  return [...list];
}

/** One pass over the list: every piece that is not needed goes. */
async function leavePiecesOut<T>(
  list: readonly T[],
  length: number,
  fails: (part: readonly T[]) => Promise<boolean>,
): Promise<T[]> {
  let rest = [...list];
  for (let start = 0; start < rest.length && rest.length > 1; ) {
    const without = [...rest.slice(0, start), ...rest.slice(start + length)];
    if (without.length > 0 && (await fails(without))) rest = without;
    else start += length;
  }
  return rest;
}
