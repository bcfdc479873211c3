import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Device } from '../../device/index.ts';
import type { Random } from '../random.ts';
import type { TestBench } from '../test-bench.ts';
import { perform, read, type ScriptStep, write } from './guest-script.ts';
import { sizesOf } from './observation.ts';
import type { Check, Subject } from './subject.ts';
import { clearRecorders, threw } from './twins.ts';

/** Bytes that the heap may grow from the middle to the end: noise of the engine, less than one small object per access. */
const Growth = 512 * 1024;
/** Elements that a list may still gain in the second half: it was nearly full. */
const MostAdded = 64;
/** Accesses after which a list that still grows has no end, and how often it is looked at meanwhile. */
const LongestLook = 1_200_000;
const LookEvery = 20_000;
/** Programs are made in pieces, so that the program itself is not what fills the memory. */
const Piece = 1000;

/** Whatever a guest does: no handler throws, no timer runs wild, and nothing is remembered for ever. */
export const hostileGuest: Check = {
  name: 'a hostile guest makes it neither throw nor grow',
  find(subject) {
    const accesses = subject.settings.hostileAccesses ?? 100_000;
    const bench = subject.bench();
    const random = subject.random(this.name);
    const past: ScriptStep[] = [];
    let heapInTheMiddle = Number.NaN;
    let sizesInTheMiddle: ReadonlyMap<string, number> = new Map();
    for (let done = 0; done < accesses; done += Piece) {
      if (Number.isNaN(heapInTheMiddle) && done >= accesses / 2) {
        heapInTheMiddle = heapUsed();
        sizesInTheMiddle = sizesOf(bench);
      }
      const length = Math.min(Piece, accesses - done);
      const script = subject.script(random, length, { hostile: true, resets: true });
      const failed = attack(bench, script);
      if (failed >= 0) return throwing(subject, [...past, ...script.slice(0, failed + 1)]);
      past.splice(0, past.length, ...script);
    }
    for (const [path, size] of sizesOf(bench)) {
      const before = sizesInTheMiddle.get(path) ?? 0;
      if (size - before < MostAdded || size < before * 1.1) continue;
      const end = endless(subject, bench, random, path);
      if (end === undefined) continue;
      const message = `'${path}' held ${before} elements after ${accesses / 2} random accesses, ${size} after ${accesses}, and went on to ${end}. Bound it.`;
      return { message, script: [] };
    }
    const grown = heapUsed() - heapInTheMiddle;
    if (!(grown > Growth)) return undefined;
    const each = (grown / (accesses / 2)).toFixed(1);
    const message = `${accesses / 2} random accesses left ${Math.round(grown / 1024)} KiB behind, ${each} bytes each. Bound what it keeps.`;
    return { message, script: [] };
  },
};

/** A list that may only have been filling up: it is bounded if it ever stops growing. Answers what it grew to otherwise. */
function endless(subject: Subject, bench: TestBench<Device>, random: Random, path: string): number | undefined {
  let size = sizesOf(bench).get(path) ?? 0;
  for (let done = 0; done < LongestLook; done += LookEvery) {
    for (let piece = 0; piece < LookEvery; piece += Piece) {
      attack(bench, subject.script(random, Piece, { hostile: true, resets: true }));
    }
    const now = sizesOf(bench).get(path) ?? 0;
    if (now <= size) return undefined;
    size = now;
  }
  return size;
}

/** Index of the step that threw, or -1. */
function attack(bench: TestBench<Device>, script: readonly ScriptStep[]): number {
  // What the bench itself remembers is not the device's.
  clearRecorders(bench);
  for (let index = 0; index < script.length; index++) {
    const step = script[index] as ScriptStep;
    try {
      if (step.kind === 'read') read(bench, step.space, step.address, step.size);
      else if (step.kind === 'write') write(bench, step);
      else perform(bench, step);
    } catch {
      return index;
    }
  }
  return -1;
}

/** The steps since the last piece, on a new device. If those do not suffice, they are still the way to look. */
function throwing(subject: Subject, script: readonly ScriptStep[]) {
  const look = (part: readonly ScriptStep[]): string | undefined => {
    const bench = subject.bench();
    for (const step of part) {
      try {
        perform(bench, step);
      } catch (error) {
        return `step ${part.indexOf(step) + 1} ${threw(error)} A guest must not be able to: report it with guestError().`;
      }
    }
    return undefined;
  };
  return subject.shorten(script, look);
}

let collect: (() => void) | undefined;

/** Bytes that are in use once garbage is gone. */
function heapUsed(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
