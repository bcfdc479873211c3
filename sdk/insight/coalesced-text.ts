import { describeRange, hex } from '../memory/index.ts';
import type { CoalescedRangeReport, Culprit } from './explain-coalesced-io.ts';

/** The whole report as text, for `backplane info coalesced`. */
export function formatCoalescedReport(reports: readonly CoalescedRangeReport[]): string {
  if (reports.length === 0) return 'No device declares coalesced I/O.\n';
  return `${reports.map(formatOne).join('\n\n')}\n`;
}

function formatOne(report: CoalescedRangeReport): string {
  const zones = report.zones.map(({ start, size }) => `${describeRange(start, size)} (${bytes(size)})`);
  return [
    `${placeOf(report)}: ${report.verdict}`,
    `  declared by ${ownerOf(report)}, offset ${hex(report.declared.offset)}, ${bytes(report.declared.size)}`,
    `  zones in force: ${zones.length === 0 ? 'none' : zones.join(', ')}`,
    `  delivered before accesses to: ${report.flushPartners.length === 0 ? '-' : report.flushPartners.join(', ')}`,
    ...explainVerdict(report).map((sentence) => `  ${sentence}`),
  ].join('\n');
}

/** One line per range that deserves a warning when a machine is built; nothing for a clean machine. */
export function coalescedWarnings(reports: readonly CoalescedRangeReport[]): string[] {
  return reports
    .filter(({ verdict }) => verdict === 'dead' || verdict === 'narrowed' || verdict === 'unprotected')
    .map(
      (report) =>
        `${placeOf(report)} of ${ownerOf(report)} is coalesced but ${report.verdict}: ${explainVerdict(report).join(' ')}`,
    );
}

/** Why the verdict is what it is, and what to change; in sentences. */
export function explainVerdict(report: CoalescedRangeReport): string[] {
  const sentences: string[] = [];
  if (report.verdict === 'unmapped')
    return ['Nothing maps this range at the moment, or it is disabled: no zone exists.'];
  const never = report.widths.filter(({ fitting }) => fitting === 0).map(({ width }) => `${width * 8}-bit`);
  const sometimes = report.widths
    .filter(({ fitting, places }) => fitting > 0 && fitting < places)
    .map(({ width }) => `${width * 8}-bit`);
  const always = report.widths
    .filter(({ fitting, places }) => fitting === places)
    .map(({ width }) => `${width * 8}-bit`);
  if (report.widths.length === 0)
    sentences.push('No write that the region takes fits inside the declared range. Widen it.');
  if (never.length > 0) {
    sentences.push(`${list(never)} writes never coalesce: ${causeOf(report)}. ${ruleOf(report)}`);
  }
  if (sometimes.length > 0) {
    const cause = never.length > 0 ? '' : `: ${causeOf(report)}`;
    sentences.push(`${list(sometimes)} writes coalesce only where one zone holds them whole${cause}.`);
  }
  const [culprit] = report.culprits;
  if (culprit !== undefined && report.verdict !== 'alive') {
    sentences.push(
      `Give '${report.region}' a higher priority than '${culprit.through?.region ?? culprit.region}', or move one of them.`,
    );
  }
  if (report.verdict !== 'alive' && always.length > 0) sentences.push(`${list(always)} writes still fit.`);
  if (report.verdict === 'unprotected') {
    const regions = list(report.unprotectedReads.map((name) => `'${name}'`));
    sentences.push(
      `A read of ${regions} can overtake a queued write: no flush partner. ` +
        `Call setFlushCoalescedIo() on it (@flushCoalescedIo), or declare it independent.`,
    );
  }
  return sentences;
}

const ruleOf = ({ zones }: CoalescedRangeReport) =>
  zones.length === 0 ? 'The range has no zone at all.' : 'KVM queues a write only if one zone holds all of it.';

function causeOf(report: CoalescedRangeReport): string {
  if (report.culprits.length === 0) return 'the range does not show in one piece';
  return report.culprits.map((culprit) => describeCulprit(culprit, report)).join('; ');
}

function describeCulprit(culprit: Culprit, report: CoalescedRangeReport): string {
  const device = culprit.device === undefined ? '' : ` of device '${culprit.device}'`;
  const rank =
    culprit.through === undefined
      ? `priority ${culprit.priority} over '${report.region}' with ${report.priority}`
      : `priority ${culprit.priority} inside '${culprit.through.region}', which has priority ${culprit.through.priority}`;
  return `'${culprit.region}'${device} shows at ${describeRange(culprit.start, culprit.size)} (${rank})`;
}

function placeOf({ space, start, declared, region }: CoalescedRangeReport): string {
  if (space === undefined || start === undefined) return `'${region}' (not mapped)`;
  return `${space} ${describeRange(start, declared.size)} '${region}'`;
}

function ownerOf({ device, region }: CoalescedRangeReport): string {
  return `${device === undefined ? 'no device' : `device '${device}'`}, region '${region}'`;
}

const bytes = (count: number): string => (count === 1 ? '1 byte' : `${count} bytes`);

function list(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}
