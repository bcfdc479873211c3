import './build-warnings.ts';

export { coalescedWarnings, explainVerdict, formatCoalescedReport } from './coalesced-text.ts';
export {
  type CoalescedRangeReport,
  type CoalescedVerdict,
  type Culprit,
  explainCoalescedIo,
} from './explain-coalesced-io.ts';
export { infoCoalesced } from './info-coalesced.ts';
export { type Replay, type ReplaySetup, replayTrace } from './replay.ts';
export type { WidthVerdict } from './write-widths.ts';
