import { counted, hex, joined } from '../base/text.ts';
import { describeRange } from '../memory/index.ts';
import { explainCoalescedIo } from './explain.ts';
import type { CoalescedRangeReport, CoalescedVerdict, Culprit, ExplainedMachine, WidthVerdict } from './report.ts';

const CulpritsNamed = 3;

/** The whole report as text, for `backplane info coalesced`. */
export function formatCoalescedReport(reports: readonly CoalescedRangeReport[]): string {
  if (reports.length === 0) return 'No device declares coalesced I/O.\n';
  return `${reports.map(formatOne).join('\n\n')}\n`;
}

function formatOne(report: CoalescedRangeReport): string {
  const zones = report.zones.map(({ start, size }) => `${describeRange(start, size)} (${counted(size, 'byte')})`);
  return [
    `${placeOf(report)}: ${report.verdict}`,
    `  declared by ${deviceOf(report)}, region '${report.region}', offset ${hex(report.declared.offset)}, ${counted(report.declared.size, 'byte')}${named(report)}`,
    `  zones in force: ${zones.length === 0 ? 'none' : zones.join(', ')}`,
    `  delivered before accesses to: ${report.flushPartners.length === 0 ? '-' : report.flushPartners.join(', ')}`,
    ...explainVerdict(report).map((sentence) => `  ${sentence}`),
  ].join('\n');
}

/** Not `off` and `unmapped`: they are no mistakes. */
const deservesWarning: readonly CoalescedVerdict[] = ['dead', 'narrowed', 'unprotected'];

/** One line for each range that does not work as declared. */
export function coalescedWarnings(reports: readonly CoalescedRangeReport[]): string[] {
  return reports
    .filter(({ verdict, refusedZones }) => deservesWarning.includes(verdict) || refusedZones.length > 0)
    .map(
      (report) =>
        `${placeOf(report)} of ${deviceOf(report)} is coalesced but ${report.verdict}: ${explainVerdict(report).join(' ')}`,
    );
}

/** The reasons of the verdict, and the changes that would help, in sentences. */
export function explainVerdict(report: CoalescedRangeReport): string[] {
  if (report.verdict === 'unmapped') {
    return ['Nothing maps this range at the moment, or it is disabled: no zone exists.'];
  }
  if (report.verdict === 'off') return [`No zone is in force: ${whyMissing(report)}. Every write exits.`];
  return [...explainWidths(report), ...explainMissing(report), ...explainOvertaking(report)];
}

function whyMissing({ refusedZones }: CoalescedRangeReport): string {
  if (refusedZones.length === 0) return 'coalescing is off in the accelerator, or its kernel lacks the capability';
  return 'the kernel has no room for more zones on that bus. Declare fewer ranges, or fewer devices';
}

function explainMissing(report: CoalescedRangeReport): string[] {
  if (report.missingZones.length === 0) return [];
  const zones = joined(
    report.missingZones.map(({ start, size }) => describeRange(start, size)),
    'and',
  );
  return [`The kernel did not take ${zones}: ${whyMissing(report)}.`];
}

function explainWidths(report: CoalescedRangeReport): string[] {
  const { widths, culprits } = report;
  if (widths.length === 0) {
    return [
      'No write that the region takes fits inside the declared range. ' +
        'Widen it, or give it the handler or the register that takes writes there.',
    ];
  }
  const named = (matches: (width: WidthVerdict) => boolean) =>
    widths.filter(matches).map(({ width }) => `${width * 8}-bit`);
  const never = named(({ fitting }) => fitting === 0);
  const sometimes = named(({ fitting, places }) => fitting > 0 && fitting < places);
  const always = named(({ fitting, places }) => fitting === places);
  if (never.length + sometimes.length === 0) return [];

  const sentences: string[] = [];
  if (never.length > 0)
    sentences.push(`${joined(never, 'and')} writes never coalesce: ${causeOf(report)}.`, ruleOf(report));
  if (sometimes.length > 0) {
    const cause = never.length > 0 ? '' : `: ${causeOf(report)}`;
    sentences.push(`${joined(sometimes, 'and')} writes coalesce only where one zone holds them whole${cause}.`);
  }
  if (always.length > 0) sentences.push(`${joined(always, 'and')} writes still fit.`);
  const culprit = culprits[0];
  if (culprit !== undefined) {
    const other = culprit.through?.region ?? culprit.region;
    sentences.push(`Give '${report.region}' a higher priority than '${other}', or move one of them.`);
  }
  return sentences;
}

function explainOvertaking({ unprotectedReads }: CoalescedRangeReport): string[] {
  if (unprotectedReads.length === 0) return [];
  const regions = joined(
    unprotectedReads.map((name) => `'${name}'`),
    'and',
  );
  return [
    `A read of ${regions} can overtake a queued write: no flush partner. ` +
      'Call setFlushCoalescedIo() on it (@flushCoalescedIo), or declare it independent.',
  ];
}

const ruleOf = ({ zones }: CoalescedRangeReport) =>
  zones.length === 0 ? 'The range has no zone at all.' : 'KVM queues a write only if one zone holds all of it.';

function causeOf(report: CoalescedRangeReport): string {
  if (report.culprits.length === 0) return 'the range does not show in one piece';
  const described = report.culprits.slice(0, CulpritsNamed).map((culprit) => describeCulprit(culprit, report));
  const more = report.culprits.length - described.length;
  return described.join('; ') + (more > 0 ? `; and ${more} more` : '');
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

const deviceOf = ({ device }: CoalescedRangeReport): string =>
  device === undefined ? 'no device' : `device '${device}'`;

const named = ({ registers }: CoalescedRangeReport): string =>
  registers.length === 0
    ? ''
    : `: ${joined(
        registers.map((name) => `'${name}'`),
        'and',
      )}`;

/**
 * `info coalesced`: the effect of every declared range. Queued writes are delivered first: they may move regions. A run that is being
 * recorded is left as it is: the recording could not say that they were delivered.
 */
export function infoCoalesced(
  machine: ExplainedMachine & { settle(): void; readonly inbox: { readonly recorder: unknown } },
): string {
  if (machine.inbox.recorder === undefined) machine.settle();
  return formatCoalescedReport(explainCoalescedIo(machine));
}
