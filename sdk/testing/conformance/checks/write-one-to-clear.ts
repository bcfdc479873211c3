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
/** What a bit was, what was written into its place, and what it was then: each a bit of the number of the case. */
const Case = { WasOne: 4, WritesOne: 2, IsOne: 1 } as const;
const Cases = 8;

/** How often each case was seen, bit by bit, of one field. */
type Effects = Uint16Array;
type Place = { readonly target: Target; readonly fields: readonly Effects[] };

/**
 * Writing ones into a status clears them and writing zeros leaves them; else a driver that acknowledges one cause loses the
 * others. Declared `write-one-to-clear` bits are held to it elsewhere. This looks at what hooks and handlers do to fields of
 * other names: ones that stay and zeros that clear, of a value that is kept nowhere as a mask, are the wrong way round.
 */
export const onesClear: Check = {
  name: 'no write keeps what its ones name and clears the rest',
  applies: ({ layout }) => layout.targets.some(isAcknowledging),
  find(subject) {
    const { device } = subject.bench();
    const paths = declaredState(device).flatMap(({ path, value }) => (isNumber(value) ? path : []));
    const places = placesOf(subject, paths);
    for (let program = 0; program < Programs; program++) {
      watch(subject, subject.script(subject.random(this.name, program)), paths, places);
    }
    for (const { target, fields } of places.values()) {
      const own = target.register?.member;
      const kept = (bit: number) => fields.some((effects, field) => paths[field] !== own && stores(effects, bit));
      for (const [field, effects] of fields.entries()) {
        const path = paths[field] as string;
        const [bit] = invertedBits(effects).filter((one) => !kept(one));
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
  (register === undefined || (register.access === 'write-only' && register.fields.length === 0));

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
    place.fields.forEach((effects, field) => {
      count(effects, before[field] as number, written, after[field] as number, bits);
    });
  }
}

const word = (value: unknown): number =>
  Number(
    BigInt.asUintN(Bits, BigInt(Number.isInteger(value) ? (value as number) : typeof value === 'bigint' ? value : 0)),
  );
const wordsOf = (device: Device, paths: readonly string[]): number[] =>
  paths.map((path) => word(valueAt(device, path)));

function count(effects: Effects, before: number, written: number, after: number, bits: number): void {
  for (let bit = 0; bit < bits; bit++) {
    const was = (before >>> bit) & 1 ? Case.WasOne : 0;
    const writes = (written >>> bit) & 1 ? Case.WritesOne : 0;
    const is = (after >>> bit) & 1 ? Case.IsOne : 0;
    const at = bit * Cases + was + writes + is;
    effects[at] = (effects[at] as number) + 1;
  }
}

/** How often bits that were so, with that written over them, ended as they should; NaN if one ever ended otherwise. */
function agreeing(effects: Effects, bit: number, was: number, writes: number, ends: number): number {
  const at = (is: number): number => effects[bit * Cases + was + writes + is] as number;
  return at(ends === 0 ? Case.IsOne : 0) === 0 ? at(ends) : Number.NaN;
}

/** The bits that ones keep and zeros clear, if that was seen often enough. */
function invertedBits(effects: Effects): readonly number[] {
  const cases = (bit: number): readonly number[] => [
    agreeing(effects, bit, Case.WasOne, Case.WritesOne, Case.IsOne),
    agreeing(effects, bit, Case.WasOne, 0, 0),
    agreeing(effects, bit, 0, Case.WritesOne, 0),
  ];
  const bits = Array.from({ length: Bits }, (_, bit) => bit).filter((bit) => cases(bit).every((seen) => seen > 0));
  const sums = [0, 1, 2].map((one) => bits.reduce((sum, bit) => sum + (cases(bit)[one] as number), 0));
  return sums.every((sum) => sum >= Seen) ? bits : [];
}

/** It always becomes what is written: a mask, or the register itself. */
const stores = (effects: Effects, bit: number): boolean =>
  agreeing(effects, bit, Case.WasOne, Case.WritesOne, Case.IsOne) >= 0 &&
  agreeing(effects, bit, Case.WasOne, 0, 0) >= 0 &&
  agreeing(effects, bit, 0, Case.WritesOne, Case.IsOne) >= 0 &&
  agreeing(effects, bit, 0, 0, 0) >= 0;
