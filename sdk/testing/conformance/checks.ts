import { coalescedEqualsUncoalesced } from './coalescing-check.ts';
import { everyFieldMatters } from './dead-field-check.ts';
import { derivedFollows } from './derived-check.ts';
import { sameForTheSame } from './determinism-check.ts';
import { handlerChecks, neighboursAreLeftAlone } from './handler-checks.ts';
import { hostileGuest } from './hostile-guest-check.ts';
import { everythingIsAlive } from './liveness-check.ts';
import { acknowledgedIsLowered, pinsFollowState } from './pin-check.ts';
import { sameAfterRebase } from './rebase-check.ts';
import { behavesAsRecorded } from './recorded-behaviour.ts';
import { registerChecks } from './register-checks.ts';
import { resetChecks } from './reset-checks.ts';
import { settingsNameWhatIsThere } from './settings-check.ts';
import { snapshotRoundTrip } from './snapshot-check.ts';
import type { Check } from './subject.ts';
import { onesClear } from './write-one-to-clear-check.ts';

/** What holds for every device: no check here weighs how likely a mistake is. What costs little comes first. */
export const contract: readonly Check[] = [
  settingsNameWhatIsThere,
  ...registerChecks,
  ...handlerChecks,
  sameForTheSame,
  ...resetChecks,
  derivedFollows,
  snapshotRoundTrip,
  sameAfterRebase,
  coalescedEqualsUncoalesced,
  hostileGuest,
  behavesAsRecorded,
];

/** What is likely a mistake. */
export const lint: readonly Check[] = [
  neighboursAreLeftAlone,
  onesClear,
  pinsFollowState,
  acknowledgedIsLowered,
  everythingIsAlive,
  everyFieldMatters,
];
