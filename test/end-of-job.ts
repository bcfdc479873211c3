import { setImmediate } from 'node:timers/promises';

/**
 * A machine that is disposed of is let go of when the current job of the event loop ends: the container has weak references to it. A test
 * that makes many machines ends its job between them. Otherwise each collection takes longer than the one before.
 */
export const endOfJob = (): Promise<void> => setImmediate();
