import { coalescedEqualsUncoalesced } from './coalescing-check.ts';
import { hostileGuest } from './hostile-guest-check.ts';
import { resetChecks } from './reset-checks.ts';
import type { Check } from './subject.ts';

/** In the order in which they are run: what costs little first. */
export const checks: readonly Check[] = [...resetChecks, coalescedEqualsUncoalesced, hostileGuest];
