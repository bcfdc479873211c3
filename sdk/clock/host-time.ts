/**
 * The one file that reads the host's time. Everything else asks a `VirtualClock`, so that a run can be repeated.
 * A test in test/architecture reads every source file and refuses a second one.
 */

/** Nanoseconds of the host's monotonic clock since an arbitrary start. */
export function hostNanoseconds(): number {
  return performance.now() * 1e6;
}

/** The host's calendar date: what a real-time clock starts from when nobody gave it a date. */
export function hostDate(): Date {
  return new Date();
}

/** Calls back after so much host time, if the process lives that long without it when in the background. Answers how to call it off. */
export function afterHostTime(milliseconds: number, callback: () => void, how?: 'in the background'): () => void {
  const timeout = setTimeout(callback, milliseconds);
  if (how === 'in the background') timeout.unref();
  return () => clearTimeout(timeout);
}
