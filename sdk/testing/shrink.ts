/**
 * Delta debugging: the smallest list found of which `fails` is still true. The failure is at the end of the list, so tails of
 * doubling length come first. Then pieces are left out, large ones first, until no single element can be.
 */
export async function shrink<T>(list: readonly T[], fails: (part: readonly T[]) => Promise<boolean>): Promise<T[]> {
  const search = shrinking(list);
  let step = search.next();
  while (step.done !== true) step = search.next(await fails(step.value));
  return step.value;
}

/** The same without promises. After so many `tries` the best list so far is the answer. */
export function shrinkNow<T>(
  list: readonly T[],
  fails: (part: readonly T[]) => boolean,
  tries = Number.POSITIVE_INFINITY,
): T[] {
  const search = shrinking(list);
  let step = search.next();
  for (let tried = 0; step.done !== true; tried++) step = search.next(tried < tries && fails(step.value));
  return step.value;
}

/** Yields the lists to try, and receives of each whether it fails. */
type Search<T, R = T[]> = Generator<readonly T[], R, boolean>;

function* shrinking<T>(list: readonly T[]): Search<T> {
  let smallest = yield* shortestFailingTail(list);
  let length = Math.ceil(smallest.length / 2);
  for (;;) {
    const before = smallest.length;
    smallest = yield* leavePiecesOut(smallest, length);
    if (length <= 1 && smallest.length === before) return smallest;
    length = Math.max(1, Math.ceil(Math.min(length, smallest.length) / 2));
  }
}

function* shortestFailingTail<T>(list: readonly T[]): Search<T> {
  for (let length = 2; length < list.length; length *= 2) {
    const tail = list.slice(-length);
    if (yield tail) return tail;
  }
  return [...list];
}

/** One pass over the list: leaves out every piece that the failure does not need. */
function* leavePiecesOut<T>(list: readonly T[], length: number): Search<T> {
  let rest = [...list];
  for (let start = 0; start < rest.length && rest.length > 1; ) {
    const without = [...rest.slice(0, start), ...rest.slice(start + length)];
    if (without.length > 0 && (yield without)) rest = without;
    else start += length;
  }
  return rest;
}
