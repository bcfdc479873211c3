import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Device, loadDevice } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Random } from '../../random.ts';
import type { Finding } from '../check.ts';
import { sizesOf } from '../device-fields.ts';
import { clearRecorders, pinHigh, refusal, savedAsText, threwWhere } from '../differential.ts';
import { act, type ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';

let collect: (() => void) | undefined;

/** Bytes that are in use once garbage is gone. */
export function heapUsed(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Bytes that the heap may grow from the middle to the end: noise of the engine, less than one small object per access. */
const Growth = 512 * 1024;
/** Elements that a list may still gain in the second half: it was nearly full. */
const MostAdded = 64;
/** Accesses after which a list that still grows has no end, and how often it is looked at meanwhile. */
const LongestLook = 1_200_000;
const LookEvery = 20_000;
/** Programs are made in pieces, so that the program itself is not what fills the memory. */
const Piece = 1000;
/** A piece ends with at most so many writes of one register in a row, so that what lacks a limit is over it when it is saved. */
const LongestRun = 300;
/** Steps that are done again, all together, to shorten a history. */
const MostRepeated = 3_000_000;

/** A device with a guest that never gives up: with resets now and then, or one long life without any. */
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
  readonly atEnd?: boolean;
}

/** Whatever a guest does: no handler throws, no timer runs wild, no reset leaves a pin up, and nothing is remembered for ever. */
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

/** The next steps of a life: the same for the same life, however often it is begun. */
function nextPiece(subject: Subject, { random, resets }: Life, length: number): ScriptStep[] {
  const run = random.below(Math.min(LongestRun, Math.ceil(length / 3)));
  const script = subject.script(random, length - run, { hostile: true, resets, settled: !resets });
  return [...script, ...subject.writesInARow(random, script, run)];
}

function live(subject: Subject, name: string, accesses: number, resets: boolean): Finding | undefined {
  const life = begin(subject, name, resets);
  const { bench } = life;
  const spare = subject.bench();
  let heapInTheMiddle = Number.NaN;
  let sizesInTheMiddle: ReadonlyMap<string, number> = new Map();
  for (let done = 0; done < accesses; done += Piece) {
    if (Number.isNaN(heapInTheMiddle) && done >= accesses / 2) {
      heapInTheMiddle = heapUsed();
      sizesInTheMiddle = sizesOf(bench);
    }
    const script = nextPiece(subject, life, Math.min(Piece, accesses - done));
    const incident = attack(subject, bench, script) ?? unsavable(bench, spare, script);
    if (incident !== undefined)
      return historyOf(subject, begin(subject, name, resets), accesses, done + incident.index + 1, incident);
  }
  for (const [path, size] of sizesOf(bench)) {
    const before = sizesInTheMiddle.get(path) ?? 0;
    if (size - before < MostAdded || size < before * 1.1) continue;
    const end = endless(subject, life, path);
    if (end === undefined) continue;
    const message = `'${path}' held ${before} elements after ${accesses / 2} random accesses, ${size} after ${accesses}, and went on to ${end}. Bound it.`;
    return { message, script: [] };
  }
  // A life of one piece has no middle, and collecting garbage costs more than all of it.
  if (Number.isNaN(heapInTheMiddle)) return undefined;
  const grown = heapUsed() - heapInTheMiddle;
  if (!(grown > Growth && growsAgain(subject, life, accesses / 2))) return undefined;
  const each = (grown / (accesses / 2)).toFixed(1);
  const message = `${accesses / 2} random accesses left ${Math.round(grown / 1024)} KiB behind, ${each} bytes each. Bound what it keeps.`;
  return { message, script: [] };
}

/** The tables of the engine grow now and then, once: what a device keeps grows by as much in as many accesses more. */
function growsAgain(subject: Subject, life: Life, accesses: number): boolean {
  const before = heapUsed();
  for (let done = 0; done < accesses; done += Piece) {
    attack(subject, life.bench, nextPiece(subject, life, Math.min(Piece, accesses - done)));
  }
  return heapUsed() - before > Growth;
}

/** What a long life leads to can be saved and restored too: it is of the shape that the state is declared to have. */
function unsavable(
  bench: TestBench<Device>,
  spare: TestBench<Device>,
  script: readonly ScriptStep[],
): Incident | undefined {
  let saved: unknown;
  try {
    saved = savedAsText(bench.device);
    loadDevice(spare.device, saved);
    return undefined;
  } catch (error) {
    return { index: script.length - 1, message: refusal(saved, error), atEnd: true };
  }
}

/** A list that may only have been filling up: it is bounded if it ever stops growing. Answers what it grew to otherwise. */
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
  const alone = subject.layout.lines.length === 0;
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

/** The whole life again, up to what went wrong, and made as short as patience allows. */
function historyOf(subject: Subject, life: Life, accesses: number, length: number, incident: Incident): Finding {
  const { message, atEnd = false } = incident;
  const history: ScriptStep[] = [];
  for (let done = 0; done < length; done += Piece)
    history.push(...nextPiece(subject, life, Math.min(Piece, accesses - done)));
  history.length = length;
  let patience = MostRepeated;
  const look = (script: readonly ScriptStep[]): string | undefined => {
    patience -= script.length;
    const bench = subject.bench();
    const found = attack(subject, bench, script) ?? (atEnd ? unsavable(bench, subject.bench(), script) : undefined);
    return found?.message;
  };
  const { message: shorter, script } = subject.shorten(history, look, () => patience > 0);
  return script.length < history.length
    ? { message: shorter, script }
    : { message: `after ${length} steps: ${message}`, script };
}
