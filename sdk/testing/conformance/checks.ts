import { coalescedEqualsUncoalesced } from './coalescing-check.ts';
import { handlerChecks } from './handler-checks.ts';
import { hostileGuest } from './hostile-guest-check.ts';
import { behavesAsRecorded } from './recorded-behaviour.ts';
import { registerChecks } from './register-checks.ts';
import { resetChecks } from './reset-checks.ts';
import { snapshotRoundTrip } from './snapshot-check.ts';
import type { Check } from './subject.ts';

/** In the order in which they are run: what costs little first. */
export const checks: readonly Check[] = [
  ...registerChecks,
  ...handlerChecks,
  ...resetChecks,
  snapshotRoundTrip,
  coalescedEqualsUncoalesced,
  hostileGuest,
  behavesAsRecorded,
];
