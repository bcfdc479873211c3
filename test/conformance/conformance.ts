import { Random } from '../../sdk/testing/random.ts';
import { type Chip, writeScript } from './chip.ts';
import { type Counts, compareScript, type Divergence, formatDivergence, noCounts } from './compare.ts';
import { type KnownDifference, knownDifferences } from './known-differences.ts';
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

/** Runs scripts on both sides until the planned number of operations, or the first divergence. */
export async function conform(chip: Chip, ours: Subject, theirs: Subject, plan: Plan): Promise<Result> {
  const { operations, seed, scriptLength = 10_000, known = knownDifferences[chip.name] ?? [] } = plan;
  const random = new Random(seed);
  const counts = noCounts();
  let divergence: Divergence | undefined;
  while (counts.operations < operations && !divergence) {
    const length = Math.min(scriptLength, operations - counts.operations);
    const script = { date: random.pick(chip.dates), operations: writeScript(chip, random, length) };
    divergence = await compareScript(ours, theirs, script, { known, registerNames: chip.registerNames }, counts);
  }
  return { chip, seed, counts, known, divergence };
}

export function passed({ counts, divergence }: Result): boolean {
  return divergence === undefined && shareInFull(counts) >= LeastInFull;
}

function shareInFull({ comparedInFull, replies }: Counts): number {
  return replies === 0 ? 0 : comparedInFull / replies;
}

export function formatResult(result: Result): string {
  const { chip, seed, counts, known, divergence } = result;
  const share = (100 * shareInFull(counts)).toFixed(2);
  const lines = [
    `${chip.name}: ${chip.title}`,
    `  seed ${seed}, ${group(counts.operations)} operations, ${group(counts.replies)} replies with something to compare:`,
    `  ${group(counts.comparedInFull)} in full (${share} %), ${group(counts.masked)} masked, ${group(counts.skipped)} skipped`,
    ...formatKnown(known),
  ];
  if (divergence)
    lines.push(
      ...formatDivergence(divergence)
        .split('\n')
        .map((line) => `  ${line}`),
    );
  else if (!passed(result)) lines.push(`  fewer than ${100 * LeastInFull} % were compared in full`);
  else lines.push('  no divergence');
  return lines.join('\n');
}

/** Every reason once, and below it what it concerns. */
function formatKnown(known: readonly KnownDifference[]): string[] {
  const reasons = [...new Set(known.map(({ reason }) => reason))];
  return reasons.flatMap((reason) => [
    `  on purpose: ${reason}`,
    ...known
      .filter((one) => one.reason === reason)
      .map(({ register, bits, condition }) => `    ${register}, ${formatBits(bits)}, ${condition}`),
  ]);
}

/** The same as data. */
export function resultAsJson(result: Result): object {
  const { chip, seed, counts, known, divergence } = result;
  return {
    device: chip.name,
    seed,
    passed: passed(result),
    ...counts,
    shareInFull: shareInFull(counts),
    knownDifferences: known.map(({ register, bits, condition, reason }) => ({ register, bits, condition, reason })),
    divergence: divergence ?? null,
  };
}

const group = (count: number): string => count.toLocaleString('en-US');
const formatBits = (mask: number): string => (mask === 0xffff_ffff ? 'all bits' : `bits 0x${mask.toString(16)}`);
