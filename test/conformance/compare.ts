import { shrink } from '../../sdk/testing/shrink.ts';
import type { KnownDifference } from './known-difference.ts';
import {
  type Answer,
  formatAnswer,
  formatOperation,
  type Operation,
  type Script,
  type Subject,
  widthOfReply,
} from './script.ts';

/** Follows a script, and says of each operation which register it touches: `CMOS 0x0a`, `00:01.0 0x60`. */
export type RegisterNames = () => (operation: Operation) => string;

export interface Comparison {
  readonly known: readonly KnownDifference[];
  readonly registerNames: RegisterNames;
}

export interface Counts {
  operations: number;
  /** Replies that carry something to compare: what a read returned, the level of a watched output. */
  replies: number;
  comparedInFull: number;
  /** Compared but for some bits. */
  masked: number;
  /** Not compared at all. */
  skipped: number;
  /** How many replies differ from QEMU's by each known difference. */
  readonly visits: Map<KnownDifference, number>;
}

export interface Divergence {
  /** The shortest script found that shows it; its last operation is the one answered differently. */
  readonly script: Script;
  readonly register: string;
  readonly ours: Answer;
  readonly theirs: Answer;
}

export const noCounts = (): Counts => ({
  operations: 0,
  replies: 0,
  comparedInFull: 0,
  masked: 0,
  skipped: 0,
  visits: new Map(),
});

/** Runs one script on both sides and compares every reply; answers the first divergence, as small as it gets. */
export async function compareScript(
  ours: Subject,
  theirs: Subject,
  script: Script,
  comparison: Comparison,
  counts: Counts,
): Promise<Divergence | undefined> {
  const first = await firstDivergence(ours, theirs, script, comparison, counts);
  if (!first) return undefined;
  const smallest = await shrink(script.operations.slice(0, first.index + 1), async (operations) => {
    return (await firstDivergence(ours, theirs, { ...script, operations }, comparison)) !== undefined;
  });
  const again = await firstDivergence(ours, theirs, { ...script, operations: smallest }, comparison);
  if (!again) return { ...first, script: { ...script, operations: script.operations.slice(0, first.index + 1) } };
  return { ...again, script: { ...script, operations: smallest.slice(0, again.index + 1) } };
}

interface IndexedDivergence {
  readonly index: number;
  readonly register: string;
  readonly ours: Answer;
  readonly theirs: Answer;
}

async function firstDivergence(
  ours: Subject,
  theirs: Subject,
  script: Script,
  { known, registerNames }: Comparison,
  counts: Counts = noCounts(),
): Promise<IndexedDivergence | undefined> {
  const [left, right] = await Promise.all([ours.run(script), theirs.run(script)]);
  const nameOf = registerNames();
  for (const [index, operation] of script.operations.entries()) {
    const register = nameOf(operation);
    const a = left[index];
    const b = right[index];
    if (!a || !b) throw new Error(`${a ? theirs.name : ours.name} gave no answer to '${formatOperation(operation)}'`);
    const hiding = known.filter((one) => one.hides?.(register, operation));
    const ignored = hiding.reduce((bits, one) => (bits | (one.bits ?? 0)) >>> 0, 0);
    count(counts, operation, a, ignored);
    for (const one of hiding) if (((a.value ?? 0) ^ (b.value ?? 0)) & (one.bits ?? 0)) countVisits(counts, one, 1);
    if (differs(a, b, ignored)) return { index, register, ours: a, theirs: b };
  }
  return undefined;
}

/** Runs the script once more without each stand-in, and counts the replies that are others then. */
export async function visitStandIns(
  ours: Subject,
  script: Script,
  known: readonly KnownDifference[],
  counts: Counts,
): Promise<void> {
  const standing = known.filter((one) => one.standIn !== undefined);
  if (ours.without === undefined || standing.length === 0) return;
  const answers = await ours.run(script);
  for (const one of standing) {
    const others = await ours.without(one).run(script);
    const isOther = ({ value, output }: Answer, at: number) => {
      return value !== others[at]?.value || output !== others[at]?.output;
    };
    countVisits(counts, one, answers.filter(isOther).length);
  }
}

function countVisits({ visits }: Counts, difference: KnownDifference, times: number): void {
  visits.set(difference, (visits.get(difference) ?? 0) + times);
}

function differs(ours: Answer, theirs: Answer, ignored: number): boolean {
  const bits = ((ours.value ?? 0) ^ (theirs.value ?? 0)) & ~ignored;
  return bits !== 0 || ours.output !== theirs.output || (ours.value === undefined) !== (theirs.value === undefined);
}

function count(counts: Counts, operation: Operation, { value, output }: Answer, ignored: number): void {
  counts.operations++;
  if (value === undefined && output === undefined) return;
  const all = 2 ** (8 * widthOfReply(operation)) - 1;
  const hidden = (ignored & all) >>> 0;
  counts.replies++;
  if (hidden === 0) counts.comparedInFull++;
  else if (hidden === all && output === undefined) counts.skipped++;
  else counts.masked++;
}

/** The script with both answers beside each operation that has one; the last line is where they part. */
export function formatDivergence({ script, register, ours, theirs }: Divergence): string {
  const last = script.operations.length - 1;
  const lines = script.operations.map((operation, index) => {
    const text = `  ${String(index + 1).padStart(3)}  ${formatOperation(operation)}`;
    if (index < last) return text;
    return `${text.padEnd(36)} ours: ${formatAnswer(operation, ours)}   QEMU: ${formatAnswer(operation, theirs)}`;
  });
  return [`divergence at ${register}, on a new machine whose date is ${script.date}:`, ...lines].join('\n');
}
