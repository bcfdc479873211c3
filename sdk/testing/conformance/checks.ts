import { everythingIsAlive } from './alive-check.ts';
import { coalescedEqualsUncoalesced } from './coalescing-check.ts';
import { sameForTheSame } from './determinism-check.ts';
import { handlerChecks } from './handler-checks.ts';
import { hostileGuest } from './hostile-guest-check.ts';
import { choicesMatter } from './influence-check.ts';
import { acknowledgedIsLowered, pinsFollowState } from './pin-checks.ts';
import { onesClear } from './polarity-check.ts';
import { behavesAsRecorded } from './recorded-behaviour.ts';
import { registerChecks } from './register-checks.ts';
import { resetChecks } from './reset-checks.ts';
import { settingsNameWhatIsThere } from './settings-check.ts';
import { snapshotRoundTrip } from './snapshot-check.ts';
import type { Check } from './subject.ts';
import { nothingIsForgotten } from './undeclared-state-check.ts';

/** In the order in which they are run: what costs little first. */
export const checks: readonly Check[] = [
  settingsNameWhatIsThere,
  ...registerChecks,
  ...handlerChecks,
  sameForTheSame,
  ...resetChecks,
  snapshotRoundTrip,
  nothingIsForgotten,
  coalescedEqualsUncoalesced,
  onesClear,
  pinsFollowState,
  acknowledgedIsLowered,
  everythingIsAlive,
  choicesMatter,
  hostileGuest,
  behavesAsRecorded,
];
