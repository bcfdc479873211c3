import { hex } from '../../../base/text.ts';
import type { Device } from '../../../device/index.ts';
import { declaredState, valueAt } from '../device-fields.ts';
import { answerOf } from '../differential.ts';
import type { Target } from '../layout.ts';
import type { ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';

const Programs = 60;
/** So often each case must have been seen, all bits together, and always with the same end. */
const Seen = 8;
const Bits = 32;

/** What a bit was, what was written into its place, and what it was then. */
type Case = readonly [was: 0 | 1, writes: 0 | 1, is: 0 | 1];
const Cases = 8;
/** Ones keep and zeros clear. */
const Inverted: readonly Case[] = [
  [1, 1, 1],
  [1, 0, 0],
  [0, 1, 0],
];
/** It becomes what is written: a mask, or the register itself. */
const Stores: readonly Case[] = [...Inverted.slice(0, 2), [0, 1, 1], [0, 0, 0]];

/** How often each case was seen, bit by bit, of one field. */
type Counts = Uint16Array;
type Place = { readonly target: Target; readonly fields: readonly Counts[] };

/**
 * Ones written into a status clear it and zeros leave it; else a driver that acknowledges one cause loses the others.
 * This looks at what hooks and handlers do to fields of other names. Declared bits are in the contract.
 */
export const onesClear: Check = {
  name: 'no write keeps what its ones name and clears the rest',
  applies: ({ layout }) => layout.targets.some(isAcknowledging),
  find(subject) {
    const paths = declaredState(subject.bench()).flatMap(({ path, value }) => (isNumber(value) ? path : []));
    const places = placesOf(subject, paths);
    for (let program = 0; program < Programs; program++) {
      watch(subject, subject.script(subject.random(this.name, program)), paths, places);
    }
    for (const { target, fields } of places.values()) {
      const own = target.register?.member;
      const kept = (bit: number) =>
        fields.some((counts, field) => paths[field] !== own && seen(counts, bit, Stores).every((times) => times >= 0));
      for (const [field, counts] of fields.entries()) {
        const path = paths[field] as string;
        const [bit] = invertedBits(counts).filter((one) => !kept(one));
        if (bit === undefined || subject.notExercised(path)) continue;
        const message =
          `a write to ${target.name} at ${hex(target.address)} leaves bit ${bit} of '${path}' up where it writes a one, and clears it ` +
          'where it writes a zero, the other way round than write-one-to-clear. If the hardware is like that, name the field in notExercised.';
        return { message, script: [] };
      }
    }
    return undefined;
  },
};

const isNumber = (value: unknown): boolean => typeof value === 'number' || typeof value === 'bigint';

/** Places that keep nothing themselves: a handler's, or registers that only the hook sees. */
const isAcknowledging = ({ register, selectedBy }: Target): boolean =>
  selectedBy === undefined &&
  (register === undefined ||
    ((register.access === 'write-only' || register.kind === 'trigger') && register.fields.length === 0));

function placesOf({ layout }: Subject, paths: readonly string[]): Map<string, Place> {
  const places = layout.targets.filter(isAcknowledging).map((target): [string, Place] => {
    return [`${target.space} ${target.address}`, { target, fields: paths.map(() => new Uint16Array(Bits * Cases)) }];
  });
  return new Map(places);
}

function watch(
  subject: Subject,
  script: readonly ScriptStep[],
  paths: readonly string[],
  places: ReadonlyMap<string, Place>,
): void {
  const bench = subject.bench();
  for (const step of script) {
    const place = step.kind === 'write' ? places.get(`${step.space} ${step.address}`) : undefined;
    if (place === undefined || step.kind !== 'write') {
      answerOf(bench, step);
      continue;
    }
    const before = wordsOf(bench.device, paths);
    answerOf(bench, step);
    const after = wordsOf(bench.device, paths);
    const written = word(step.value);
    const bits = Math.min(8 * step.size, Bits);
    place.fields.forEach((counts, field) => {
      count(counts, before[field] as number, written, after[field] as number, bits);
    });
  }
}

const word = (value: unknown): number =>
  Number(BigInt.asUintN(Bits, typeof value === 'bigint' || Number.isInteger(value) ? BigInt(value as number) : 0n));
const wordsOf = (device: Device, paths: readonly string[]): number[] =>
  paths.map((path) => word(valueAt(device, path)));

const placeOf = (bit: number, was: number, writes: number, is: number): number =>
  bit * Cases + 4 * was + 2 * writes + is;

function count(counts: Counts, before: number, written: number, after: number, bits: number): void {
  for (let bit = 0; bit < bits; bit++) {
    const at = placeOf(bit, (before >>> bit) & 1, (written >>> bit) & 1, (after >>> bit) & 1);
    counts[at] = (counts[at] as number) + 1;
  }
}

/** How often each of these cases was seen; NaN for one that ever ended otherwise. */
const seen = (counts: Counts, bit: number, cases: readonly Case[]): readonly number[] =>
  cases.map(([was, writes, is]) =>
    counts[placeOf(bit, was, writes, 1 - is)] === 0 ? (counts[placeOf(bit, was, writes, is)] as number) : Number.NaN,
  );

/** The bits that ones keep and zeros clear, if that was seen often enough. */
function invertedBits(counts: Counts): readonly number[] {
  const all = Array.from({ length: Bits }, (_, bit) => ({ bit, times: seen(counts, bit, Inverted) }));
  const inverted = all.filter(({ times }) => times.every((one) => one > 0));
  const isSure = Inverted.every((_, index) => inverted.reduce((sum, { times }) => sum + times[index]!, 0) >= Seen);
  return isSure ? inverted.map(({ bit }) => bit) : [];
}
