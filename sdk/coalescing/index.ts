export { explainCoalescedIo } from './explain.ts';
export type { CoalescedRangeReport, CoalescedVerdict, Culprit, WidthVerdict } from './report.ts';
export { coalescedWarnings, explainVerdict, formatCoalescedReport, infoCoalesced } from './text.ts';
