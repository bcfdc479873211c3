import { OperationKind } from '../../accelerator/guest/operation.ts';
import { count, hex } from '../../base/text.ts';
import type { Candidate } from './candidates.ts';
import type { ObservedReplay } from './observation.ts';
import type { AdviceVerdict } from './suggestion.ts';
import { type Judgement, lateSentences } from './verdict.ts';

/** What a recording writes to a place, as far as there are few values, and whether it reads there afterwards. */
export interface WritesSeen {
  readonly widths: ReadonlySet<number>;
  /** Value -> writes. */
  readonly values: ReadonlyMap<number, number>;
  readonly isReadBack: boolean;
}

/** A write of one value, in one width, to one address, again and again: perhaps no more than a signal. */
export interface SignalCandidate {
  readonly candidate: Candidate;
  readonly width: number;
  readonly match: number;
  /** How often this value is written, and how often others are. */
  readonly writes: number;
  readonly others: number;
}

const MostValues = 256;
const LeastWrites = 16;
const LeastShare = 0.9;

/** One pass over the recording for all candidates. */
export function writesSeenOf({ trace, shape, shapes }: ObservedReplay, candidates: readonly Candidate[]): WritesSeen[] {
  const { kind, address, size, value, length } = trace;
  const seen = candidates.map(() => ({
    widths: new Set<number>(),
    values: new Map<number, number>(),
    isReadBack: false,
  }));
  const byShape: (typeof seen)[] = shapes.map(() => []);
  for (const [index, candidate] of candidates.entries()) {
    for (const own of candidate.shapes) byShape[own]?.push(seen[index]!);
  }
  const readers = new Map<number, typeof seen>();
  const isRead = (at: number) => kind[at] === OperationKind.In || kind[at] === OperationKind.Load;
  for (let at = 0; at < length; at++) {
    const own = shape[at]!;
    if (own >= 0) {
      for (const { widths, values } of byShape[own]!) {
        widths.add(size[at]!);
        const known = values.get(value[at]!);
        if (known !== undefined || values.size < MostValues) values.set(value[at]!, (known ?? 0) + 1);
      }
    } else if (isRead(at)) {
      for (const one of readersOf(kind[at] === OperationKind.In, address[at]!, size[at]!)) {
        if (one.widths.size > 0) one.isReadBack = true;
      }
    }
  }
  return seen;

  /** Whose bytes a read touches. */
  function readersOf(isPort: boolean, first: number, width: number) {
    // Addresses have 52 bits.
    const key = (first * 16 + width) * 2 + (isPort ? 1 : 0);
    let found = readers.get(key);
    if (found === undefined) {
      found = seen.filter((_, index) => {
        const { isPort: own, start, size: length } = candidates[index]!;
        return own === isPort && first < start + length && start < first + width;
      });
      readers.set(key, found);
    }
    return found;
  }
}

/** Registers that are written in one width, nearly always with one value, and never read. */
export function signalCandidatesOf(
  { shapes }: Pick<ObservedReplay, 'shapes'>,
  candidates: readonly Candidate[],
  seen: readonly WritesSeen[],
): SignalCandidate[] {
  return candidates.flatMap((candidate, index) => {
    const { widths, values, isReadBack } = seen[index]!;
    const [width] = widths;
    // One width in every part: the part of an access that crosses a page has a width of its own.
    const isRegister = candidate.shapes.every((shape) => {
      const { address, size } = shapes[shape]!;
      return address === candidate.start && size === width;
    });
    if (!isRegister || widths.size !== 1 || width === undefined || isReadBack) return [];
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
  { against, effects }: Judgement,
): { verdict: AdviceVerdict; reasons: string[] } {
  const bad = lateSentences(candidate, effects, 'work');
  const isKept = effects.harmless.size > 0;
  const isUnsound = bad.length + against.length > 0 || isKept;
  const rest = others > 0 ? `; ${others} of other values still exit` : '';
  return {
    verdict: isUnsound ? 'unsound' : candidate.region === undefined ? 'not modelled' : 'not checked',
    reasons: [
      `Always ${hex(match)}, never read back (${count(writes)} writes${rest}).`,
      ...bad,
      ...against,
      ...(isKept ? ['What is written is kept, shown or logged: a signal would lose it.'] : []),
      'It works only if its handler does nothing but wake another part: a consumer learns neither the value nor the number of writes.',
    ],
  };
}
