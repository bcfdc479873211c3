import { buildChecks } from '../machine/build-checks.ts';
import { explainCoalescedIo } from './explain/coalesced-io.ts';
import { coalescedWarnings } from './explain/text.ts';

/** Imported for its effect: from then on every machine that is built warns of coalesced ranges that do not work. */
buildChecks.push((machine) => coalescedWarnings(explainCoalescedIo(machine)));
