/**
 * The smallest list found of which `fails` is still true: delta debugging over a list that fails as a whole.
 *
 * The failure is at the end of the list, so the tail is tried first, doubling its length; then ever smaller pieces
 * are left out, until no single element can be.
 */
export async function shrink<T>(list: readonly T[], fails: (part: readonly T[]) => Promise<boolean>): Promise<T[]> {
  let smallest = await shortestFailingTail(list, fails);
  let pieces = 2;
  while (smallest.length > 1) {
    const length = Math.ceil(smallest.length / pieces);
    const rest = await leaveOnePieceOut(smallest, length, fails);
    if (rest) {
      smallest = rest;
      pieces = Math.max(2, pieces - 1);
    } else if (length === 1) {
      return smallest;
    } else {
      pieces = Math.min(smallest.length, pieces * 2);
    }
  }
  return smallest;
}

async function shortestFailingTail<T>(
  list: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
): Promise<T[]> {
  for (let length = 1; length < list.length; length *= 2) {
    const tail = list.slice(-length);
    if (await fails(tail)) return tail;
  }
  return [...list];
}

async function leaveOnePieceOut<T>(
  list: readonly T[],
  length: number,
  fails: (part: readonly T[]) => Promise<boolean>,
): Promise<T[] | undefined> {
  for (let start = 0; start < list.length; start += length) {
    const rest = [...list.slice(0, start), ...list.slice(start + length)];
    if (rest.length > 0 && (await fails(rest))) return rest;
  }
  return undefined;
}
