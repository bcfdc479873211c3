import { setImmediate } from 'node:timers/promises';
import type { RunOptions, RunOutcome } from '../accelerator/index.ts';
import { hostNanoseconds, MILLISECOND } from '../clock/index.ts';

/** Guest operations of a slice: a few milliseconds of host time. */
const SliceOperations = 5_000;
/** Host time between two looks at the files. */
const LookEvery = 50 * MILLISECOND;
/** The default limit of a run, which is the accelerator's. */
export const DefaultLimit = 100_000_000;

/** Runs a guest in slices, and calls `between` from time to time between two of them. */
export async function runInSlices(
  step: (options: RunOptions) => RunOutcome,
  limit: number | undefined,
  between: () => Promise<void>,
): Promise<RunOutcome> {
  let operations = 0;
  let looked = hostNanoseconds();
  for (;;) {
    const left = (limit ?? DefaultLimit) - operations;
    const outcome = step({ operationLimit: Math.min(left, SliceOperations) });
    operations += outcome.operations;
    if (outcome.reason !== 'operation-limit' || outcome.operations >= left) return { ...outcome, operations };
    if (hostNanoseconds() - looked < LookEvery) continue;
    await setImmediate();
    await between();
    looked = hostNanoseconds();
  }
}
