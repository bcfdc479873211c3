import { type Device, loadDevice } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Random } from '../../random.ts';
import type { Finding } from '../check.ts';
import { sizesOf } from '../device-fields.ts';
import { clearRecorders, pinHigh, refusal, savedAsText, threwWhere } from '../differential.ts';
import { act, type ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';

/** Bytes that the heap may grow in the second half: noise of the engine, less than one small object per access. */
const Growth = 512 * 1024;
/** Elements that a list may gain in the second half: it was nearly full. */
const MostAdded = 64;
/** Accesses after which a list that still grows has no bound, and how often its size is read meanwhile. */
const LongestLook = 1_200_000;
const LookEvery = 20_000;
/** Programs are made in pieces, so that the program itself does not fill the memory. */
const Piece = 1000;
/** A piece ends with at most so many writes of one register in a row: a missing limit shows when it is saved. */
const LongestRun = 300;
/** Steps that are repeated in all to shorten a history. */
const MostRepeated = 3_000_000;

/** A device with a hostile guest, with or without resets. */
interface Life {
  readonly resets: boolean;
  readonly bench: TestBench<Device>;
  readonly random: Random;
}

/** What went wrong, and at which step of the piece. */
interface Incident {
  readonly index: number;
  readonly message: string;
  /** It shows when all steps are done. */
  readonly isLate?: boolean;
}

/** No handler throws, no timer runs wild, no reset leaves a pin high, and nothing grows without bound. */
export const hostileGuest: Check = {
  name: 'a hostile guest makes it neither throw nor grow',
  find(subject) {
    const accesses = Math.ceil((subject.settings.hostileAccesses ?? 100_000) / 2);
    return live(subject, this.name, accesses, true) ?? live(subject, this.name, accesses, false);
  },
};

const begin = (subject: Subject, name: string, resets: boolean): Life => ({
  resets,
  bench: subject.bench(),
  random: subject.random(name, Number(resets)),
});

/** The next steps of a life: always the same for the same random numbers. */
function nextPiece(subject: Subject, { random, resets }: Life, length: number): ScriptStep[] {
  const run = random.below(Math.min(LongestRun, Math.ceil(length / 3)));
  const script = subject.script(random, length - run, { hostile: true, resets, settled: !resets });
  return [...script, ...subject.writesInARow(random, script, run)];
}

function live(subject: Subject, name: string, accesses: number, resets: boolean): Finding | undefined {
  const life = begin(subject, name, resets);
  const { bench } = life;
  const spare = subject.bench();
  const heapUsed = subject.settings.host?.heapUsed ?? (() => 0);
  let heapInTheMiddle = 0;
  let sizesInTheMiddle: ReadonlyMap<string, number> | undefined;
  for (let done = 0; done < accesses; done += Piece) {
    if (sizesInTheMiddle === undefined && done >= accesses / 2) {
      heapInTheMiddle = heapUsed();
      sizesInTheMiddle = sizesOf(bench);
    }
    const script = nextPiece(subject, life, Math.min(Piece, accesses - done));
    const incident = attack(subject, bench, script) ?? unsavable(bench, spare, script);
    if (incident !== undefined)
      return historyOf(subject, begin(subject, name, resets), accesses, done + incident.index + 1, incident);
  }
  for (const [path, size] of sizesOf(bench)) {
    const before = sizesInTheMiddle?.get(path) ?? 0;
    if (size - before < MostAdded || size < before * 1.1) continue;
    const end = endless(subject, life, path);
    if (end === undefined) continue;
    const message = `'${path}' held ${before} elements after ${accesses / 2} random accesses, ${size} after ${accesses}, and went on to ${end}. Bound it.`;
    return { message, script: [] };
  }
  // A life of one piece has no middle, and a garbage collection costs more than all of it.
  if (sizesInTheMiddle === undefined) return undefined;
  if (heapUsed() - heapInTheMiddle <= Growth) return undefined;
  // The buffers that one collection finds are given back while the program goes on, or by the next collection at the latest.
  const settledHeap = () => Math.min(heapUsed(), heapUsed());
  const heapAtTheEnd = settledHeap();
  const grown = heapAtTheEnd - heapInTheMiddle;
  if (grown <= Growth) return undefined;
  // Tables of the engine grow once; what a device keeps grows by as much again.
  for (let done = 0; done < accesses / 2; done += Piece)
    attack(subject, bench, nextPiece(subject, life, Math.min(Piece, accesses / 2 - done)));
  if (settledHeap() - heapAtTheEnd <= Growth) return undefined;
  const each = (grown / (accesses / 2)).toFixed(1);
  const message = `${accesses / 2} random accesses left ${Math.round(grown / 1024)} KiB behind, ${each} bytes each. Bound what it keeps.`;
  return { message, script: [] };
}

/** Its state can be saved and restored too: it has the shape that is declared. */
function unsavable(
  bench: TestBench<Device>,
  spare: TestBench<Device>,
  script: readonly ScriptStep[],
): Incident | undefined {
  let saved: unknown;
  try {
    saved = savedAsText(bench.device);
    spare.backends.load(bench.backends.save());
    spare.backends.restoring(() => loadDevice(spare.device, saved));
    return undefined;
  } catch (error) {
    return { index: script.length - 1, message: refusal(saved, error), isLate: true };
  }
}

/** A list is bounded if it ever stops growing. Answers its size otherwise. */
function endless(subject: Subject, life: Life, path: string): number | undefined {
  const sizeNow = (): number => sizesOf(life.bench).get(path) ?? 0;
  let size = sizeNow();
  for (let done = 0; done < LongestLook; done += LookEvery) {
    for (let piece = 0; piece < LookEvery; piece += Piece) attack(subject, life.bench, nextPiece(subject, life, Piece));
    const now = sizeNow();
    if (now <= size) return undefined;
    size = now;
  }
  return size;
}

/** The first step that throws, or the first reset that leaves a pin up. */
function attack(subject: Subject, bench: TestBench<Device>, script: readonly ScriptStep[]): Incident | undefined {
  // What the bench itself remembers is not the device's.
  clearRecorders(bench);
  bench.backends.takeOutput();
  const alone = subject.layout.pins.length === 0;
  for (let index = 0; index < script.length; index++) {
    const step = script[index] as ScriptStep;
    try {
      act(bench, step);
    } catch (error) {
      return {
        index,
        message: `step ${index + 1} ${threwWhere(error)} A guest must not be able to: report it with guestError().`,
      };
    }
    const high = step.kind === 'reset' && alone ? pinHigh(bench) : undefined;
    if (high !== undefined)
      return { index, message: `pin '${high}' is high after the reset, step ${index + 1}. Lower it in reset().` };
  }
  return undefined;
}

/** The whole life again, up to what went wrong, made as short as `MostRepeated` allows. */
function historyOf(subject: Subject, life: Life, accesses: number, length: number, incident: Incident): Finding {
  const { message, isLate = false } = incident;
  const history: ScriptStep[] = [];
  for (let done = 0; done < length; done += Piece)
    history.push(...nextPiece(subject, life, Math.min(Piece, accesses - done)));
  history.length = length;
  let patience = MostRepeated;
  const look = (script: readonly ScriptStep[]): string | undefined => {
    patience -= script.length;
    const bench = subject.bench();
    const found = attack(subject, bench, script) ?? (isLate ? unsavable(bench, subject.bench(), script) : undefined);
    return found?.message;
  };
  const { message: shorter, script } = subject.shorten(history, look, () => patience > 0);
  return script.length < history.length
    ? { message: shorter, script }
    : { message: `after ${length} steps: ${message}`, script };
}
