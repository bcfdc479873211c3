import { Random } from '../../sdk/testing/random.ts';
import { type Chip, writeScript } from './chip.ts';
import { type Counts, compareScript, type Divergence, formatDivergence, noCounts, visitStandIns } from './compare.ts';
import type { KnownDifference } from './known-difference.ts';
import { knownDifferences } from './known-differences.ts';
import type { Subject } from './script.ts';

/** At least this share of the replies must be compared bit by bit. */
const LeastInFull = 0.95;

export interface Plan {
  readonly operations: number;
  readonly seed: number;
  /** Operations of one script: every script begins with a new machine on both sides. */
  readonly scriptLength?: number;
  readonly known?: readonly KnownDifference[];
}

export interface Result {
  readonly chip: Chip;
  readonly seed: number;
  readonly counts: Counts;
  readonly known: readonly KnownDifference[];
  readonly divergence: Divergence | undefined;
}

/**
 * Runs scripts on both sides until the planned number of operations, or the first divergence: those that go to known
 * differences, then random ones.
 */
export async function conform(chip: Chip, ours: Subject, theirs: Subject, plan: Plan): Promise<Result> {
  const { operations, seed, known = knownDifferences[chip.name] ?? [] } = plan;
  const scriptLength = Math.min(plan.scriptLength ?? 10_000, chip.scriptLength ?? Number.POSITIVE_INFINITY);
  const random = new Random(seed);
  const counts = noCounts();
  const ways = known.flatMap(({ there }) => (there === undefined ? [] : [there.operations]));
  let divergence: Divergence | undefined;
  while (counts.operations < operations && !divergence) {
    const left = operations - counts.operations;
    const way = ways.shift()?.slice(0, left);
    const script = {
      date: way === undefined ? random.pick(chip.dates) : (chip.dates[0] as string),
      operations: way ?? writeScript(chip, random, Math.min(scriptLength, left)),
    };
    divergence = await compareScript(ours, theirs, script, { known, registerNames: chip.registerNames }, counts);
    if (!divergence) await visitStandIns(ours, script, known, counts);
  }
  return { chip, seed, counts, known, divergence };
}

/** A difference that no script comes to says nothing: it fails too. */
export function passed({ counts, known, divergence }: Result): boolean {
  const allVisited = known.every((one) => visitsOf(counts, one) > 0);
  return divergence === undefined && shareInFull(counts) >= LeastInFull && allVisited;
}

const visitsOf = ({ visits }: Counts, difference: KnownDifference): number => visits.get(difference) ?? 0;

function shareInFull({ comparedInFull, replies }: Counts): number {
  return replies === 0 ? 0 : comparedInFull / replies;
}

export function formatResult(result: Result): string {
  const { chip, seed, counts, known } = result;
  const share = (100 * shareInFull(counts)).toFixed(2);
  const lines = [
    `${chip.name}: ${chip.title}`,
    `  seed ${seed}, ${group(counts.operations)} operations, ${group(counts.replies)} replies with something to compare:`,
    `  ${group(counts.comparedInFull)} in full (${share} %), ${group(counts.masked)} masked, ${group(counts.skipped)} skipped`,
    ...formatKnown(known, counts),
    ...formatOutcome(result).map((line) => `  ${line}`),
  ];
  return lines.join('\n');
}

function formatOutcome({ counts, known, divergence }: Result): string[] {
  if (divergence) return formatDivergence(divergence).split('\n');
  if (shareInFull(counts) < LeastInFull) return [`fewer than ${100 * LeastInFull} % were compared in full`];
  const unvisited = known.filter((one) => visitsOf(counts, one) === 0);
  if (unvisited.length === 0) return ['no divergence'];
  return [
    'no script came to these known differences. Give each one a script that does, or take it off the list:',
    ...unvisited.map(({ register, condition }) => `  ${register}: ${condition}`),
  ];
}

/** Every reason once, and below it what it concerns. */
function formatKnown(known: readonly KnownDifference[], counts: Counts): string[] {
  const reasons = [...new Set(known.map(({ reason }) => reason))];
  return reasons.flatMap((reason) => [
    `  on purpose: ${reason}`,
    ...known
      .filter((one) => one.reason === reason)
      .map((one) => {
        const bits = one.standIn === undefined ? `${formatBits(one.bits ?? 0)}, ` : '';
        return `    ${one.register}, ${bits}${one.condition}: ${group(visitsOf(counts, one))} replies`;
      }),
  ]);
}

/** The same as data. */
export function resultAsJson(result: Result): object {
  const { chip, seed, counts, known, divergence } = result;
  const { visits: _, ...numbers } = counts;
  return {
    device: chip.name,
    seed,
    passed: passed(result),
    ...numbers,
    shareInFull: shareInFull(counts),
    knownDifferences: known.map((one) => {
      const { register, bits = null, condition, reason } = one;
      return { register, bits, condition, reason, visits: visitsOf(counts, one) };
    }),
    divergence: divergence ?? null,
  };
}

const group = (count: number): string => count.toLocaleString('en-US');
const formatBits = (mask: number): string => (mask === 0xffff_ffff ? 'all bits' : `bits 0x${mask.toString(16)}`);
