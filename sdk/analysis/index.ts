import './build-warnings.ts';

export { explainCoalescedIo } from './explain/coalesced-io.ts';
export type { CoalescedRangeReport, CoalescedVerdict, Culprit, WidthVerdict } from './explain/coalesced-range.ts';
export { coalescedWarnings, explainVerdict, formatCoalescedReport, infoCoalesced } from './explain/text.ts';
export { type Replay, type ReplaySetup, replayTrace } from './replay.ts';
