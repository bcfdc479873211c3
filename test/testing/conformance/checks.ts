import { arraysReachTheirEnds } from '../../../sdk/testing/conformance/checks/array-ends.ts';
import { coalescedEqualsUncoalesced } from '../../../sdk/testing/conformance/checks/coalescing.ts';
import { everyFieldMatters } from '../../../sdk/testing/conformance/checks/dead-fields.ts';
import { everyTimeMatters } from '../../../sdk/testing/conformance/checks/dead-times.ts';
import { derivedFits } from '../../../sdk/testing/conformance/checks/derived.ts';
import { sameAfterRebase, sameForTheSame } from '../../../sdk/testing/conformance/checks/determinism.ts';
import { handlerChecks, neighboursAreLeftAlone } from '../../../sdk/testing/conformance/checks/handlers.ts';
import { hostileGuest } from '../../../sdk/testing/conformance/checks/hostile-guest.ts';
import { resetKeepsInputs } from '../../../sdk/testing/conformance/checks/input-levels.ts';
import { everythingIsAlive } from '../../../sdk/testing/conformance/checks/liveness.ts';
import { pinsFollowTheMaskedStatus } from '../../../sdk/testing/conformance/checks/masked-pins.ts';
import {
  acknowledgedIsLowered,
  derivedFollows,
  pinsFollowState,
} from '../../../sdk/testing/conformance/checks/pins-and-timers.ts';
import { behavesAsRecorded } from '../../../sdk/testing/conformance/checks/recorded-behaviour.ts';
import { registerChecks } from '../../../sdk/testing/conformance/checks/registers.ts';
import { resetChecks } from '../../../sdk/testing/conformance/checks/reset.ts';
import { snapshotRoundTrip } from '../../../sdk/testing/conformance/checks/snapshot.ts';
import { onesClear } from '../../../sdk/testing/conformance/checks/write-one-to-clear.ts';

const nameOf = ({ name }: { readonly name: string } = { name: '' }): string => name;
const [, obeysItsModes] = registerChecks;
const [resetValues, , likeNew, silent] = resetChecks;
const [coalescedRangesAreTaken, answersFit] = handlerChecks;

/** The names of checks, which are titles of tests: a test names a check, and not its title. */
export const check = {
  acknowledgedIsLowered: nameOf(acknowledgedIsLowered),
  answersFit: nameOf(answersFit),
  arraysReachTheirEnds: nameOf(arraysReachTheirEnds),
  behavesAsRecorded: nameOf(behavesAsRecorded),
  coalescedEqualsUncoalesced: nameOf(coalescedEqualsUncoalesced),
  coalescedRangesAreTaken: nameOf(coalescedRangesAreTaken),
  derivedFits: nameOf(derivedFits),
  derivedFollows: nameOf(derivedFollows),
  everyFieldMatters: nameOf(everyFieldMatters),
  everyTimeMatters: nameOf(everyTimeMatters),
  everythingIsAlive: nameOf(everythingIsAlive),
  hostileGuest: nameOf(hostileGuest),
  likeNew: nameOf(likeNew),
  neighboursAreLeftAlone: nameOf(neighboursAreLeftAlone),
  obeysItsModes: nameOf(obeysItsModes),
  onesClear: nameOf(onesClear),
  pinsFollowState: nameOf(pinsFollowState),
  pinsFollowTheMaskedStatus: nameOf(pinsFollowTheMaskedStatus),
  resetKeepsInputs: nameOf(resetKeepsInputs),
  resetValues: nameOf(resetValues),
  sameAfterRebase: nameOf(sameAfterRebase),
  sameForTheSame: nameOf(sameForTheSame),
  silent: nameOf(silent),
  snapshotRoundTrip: nameOf(snapshotRoundTrip),
};
