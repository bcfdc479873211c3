import { count, hex } from '../../base/text.ts';
import { rangesIntersect } from '../../memory/index.ts';
import type { Candidate } from './candidates.ts';
import type { ObservedReplay } from './observation.ts';
import type { AdviceVerdict } from './suggestion.ts';
import { type Judgement, lateSentences } from './verdict.ts';

/** A register that is written in one width, nearly always with one value, and never read: perhaps only a signal. */
export interface SignalCandidate {
  readonly candidate: Candidate;
  readonly width: number;
  readonly match: number;
  /** How often this value is written, and how often others are. */
  readonly writes: number;
  readonly others: number;
}

type Observed = Pick<ObservedReplay, 'targets' | 'reads'>;

const LeastWrites = 16;
const LeastShare = 0.9;

/** The values that the recording writes to a candidate, the most frequent first, with their counts. */
export function valuesOf({ targets }: Observed, candidate: Candidate): readonly (readonly [number, number])[] {
  const values = new Map<number, number>();
  for (const index of candidate.targets) {
    for (const [value, writes] of targets[index]!.values) values.set(value, (values.get(value) ?? 0) + writes);
  }
  return [...values].sort((a, b) => b[1] - a[1]);
}

export function signalCandidateOf(observed: Observed, candidate: Candidate): SignalCandidate | undefined {
  const own = candidate.targets.map((index) => observed.targets[index]!);
  const { size: width, first } = own[0]!;
  if (!own.every(({ address, size }) => address === candidate.start && size === width)) return undefined;
  const isReadBack = observed.reads.some(
    ({ isPort, address, size, last }) =>
      isPort === candidate.isPort && last > first && rangesIntersect({ start: address, size }, candidate),
  );
  const [match, writes] = valuesOf(observed, candidate)[0] ?? [0, 0];
  if (isReadBack || writes < LeastWrites || writes < candidate.writes * LeastShare) return undefined;
  return { candidate, width, match, writes, others: candidate.writes - writes };
}

/** The consumer of a signal learns neither the value nor the number of writes: only a start of work survives that. */
export function judgeSignal(
  { candidate, match, writes, others }: SignalCandidate,
  { against, effects }: Judgement,
): { verdict: AdviceVerdict; reasons: string[] } {
  const bad = [...lateSentences(candidate, effects, 'work'), ...against];
  if (effects.harmless.size > 0) bad.push('What is written is kept, shown or logged: a signal would lose it.');
  const rest = others > 0 ? `; ${others} of other values still exit` : '';
  return {
    verdict: bad.length > 0 ? 'unsound' : candidate.region === undefined ? 'not modelled' : 'not checked',
    reasons: [
      `Always ${hex(match)}, never read back (${count(writes)} writes${rest}).`,
      ...bad,
      'It works only if its handler does nothing but wake another part: a consumer learns neither the value nor the number of writes.',
    ],
  };
}
