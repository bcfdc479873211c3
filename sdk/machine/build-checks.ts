import type { Machine } from './machine.ts';

/** Looks at a machine that was just built and answers with warnings. */
export type BuildCheck = (machine: Machine) => readonly string[];

/**
 * What is asked of every new machine. The explaining rooms lie above this one and add themselves here, so that a
 * machine warns without knowing how the explanation works.
 */
export const buildChecks: BuildCheck[] = [];
