import { count, hex } from '../base/text.ts';
import type { Candidate } from './advise-candidates.ts';
import type { Evidence } from './advise-evidence.ts';
import type { ObservedReplay } from './advise-observation.ts';
import { type AdviceVerdict, type Judgement, lateSentences } from './advise-verdict.ts';

/** A write of one value, in one width, to one address, again and again: perhaps no more than a signal. */
export interface SignalCandidate {
  readonly candidate: Candidate;
  readonly width: number;
  readonly match: number;
  /** How often this value is written, and how often others are. */
  readonly writes: number;
  readonly others: number;
}

const LeastWrites = 16;
const LeastShare = 0.9;

/** Registers that are written in one width, nearly always with one value, and never read. */
export function signalCandidatesOf(
  { shapes }: Pick<ObservedReplay, 'shapes'>,
  candidates: readonly Candidate[],
  evidence: readonly Evidence[],
): SignalCandidate[] {
  return candidates.flatMap((candidate, index) => {
    const { widths, values, readBack } = evidence[index]!;
    const [width] = [...widths.keys()];
    // One width in every part: the part of an access that crosses a page has a width of its own.
    const isRegister = candidate.shapes.every((shape) => {
      const { address, size } = shapes[shape]!;
      return address === candidate.start && size === width;
    });
    if (!isRegister || widths.size !== 1 || width === undefined || readBack > 0) return [];
    const [match, writes] = [...values].reduce((most, entry) => (entry[1] > most[1] ? entry : most), [0, 0]);
    const others = candidate.writes - writes;
    if (writes < LeastWrites || writes < candidate.writes * LeastShare) return [];
    return [{ candidate, width, match, writes, others }];
  });
}

/**
 * The consumer of a signal runs later too, and it learns neither the value nor how often. To start work is what signals are
 * for; what is kept, shown or logged is lost as a signal.
 */
export function judgeSignal(
  { candidate, match, writes, others }: SignalCandidate,
  { against, effects, partners }: Judgement,
): { verdict: AdviceVerdict; reasons: string[] } {
  const bad = lateSentences(candidate, effects, 'work');
  const isKept = effects.harmless.size > 0;
  const isUnsound = bad.length + against.length > 0 || isKept || partners.some(({ depends }) => depends);
  const rest = others > 0 ? `; ${others} of other values still exit` : '';
  return {
    verdict: isUnsound ? 'unsound' : 'unknown',
    reasons: [
      `Always ${hex(match)}, never read back (${count(writes)} writes${rest}).`,
      ...bad,
      ...against,
      ...(isKept ? ['What is written is kept, shown or logged: a signal would lose it.'] : []),
      'Sound only if its handler does nothing but wake somebody: a consumer learns neither the value nor the number of writes.',
    ],
  };
}
