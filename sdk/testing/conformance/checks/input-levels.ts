import { type Device, pinsOf } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Random } from '../../random.ts';
import { fieldsOf } from '../device-fields.ts';
import { answerOf } from '../differential.ts';
import type { ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';

const Programs = 40;
const Moves = 20;
const StepsBetween = 4;
const PinsTried = 8;
/** So often an input must have been high and low, before a bit that had its level each time counts as its copy. */
const EnoughLooks = 40;
const Word = 32;

/** A bit of a field that always had the level of an input pin. */
interface Copy {
  readonly path: string;
  readonly pin: string;
  /** Bits that agree, all of them seen high and low. */
  bits: number;
}

/** A reset moves no wire: what the device holds of its inputs' levels outlives it. */
export const resetKeepsInputs: Check = {
  name: 'a reset does not forget the levels of its inputs',
  applies: ({ layout }) => layout.pins.length > 0,
  find(subject) {
    const pins = pinsTried(subject, subject.random(this.name));
    const copies = copiesOf(subject, this.name, pins);
    for (let program = 0; program < Programs && copies.length > 0; program++) {
      const script: ScriptStep[] = [
        ...programOf(subject, subject.random(this.name, Programs + program), pins),
        { kind: 'reset' },
      ];
      const found = subject.search(
        this.name,
        () => script,
        (part) => forgotten(subject.after(part), part, copies),
        1,
      );
      if (found !== undefined) return found;
    }
    return undefined;
  },
};

function pinsTried({ layout }: Subject, random: Random): readonly string[] {
  const all = [...layout.pins];
  while (all.length > PinsTried) all.splice(random.below(all.length), 1);
  return all;
}

const programOf = (subject: Subject, random: Random, pins: readonly string[]): ScriptStep[] =>
  Array.from({ length: Moves }, (): readonly ScriptStep[] => [
    { kind: 'pin', pin: random.pick(pins), level: !random.oneIn(3) },
    ...subject.script(random, random.below(StepsBetween)),
  ]).flat();

/** Every bit that had the level of an input after each step of each program without a reset. */
function copiesOf(subject: Subject, check: string, pins: readonly string[]): readonly Copy[] {
  const looks = new Map(pins.map((pin) => [pin, { high: 0, low: 0 }]));
  let copies: Copy[] | undefined;
  for (let program = 0; program < Programs; program++) {
    const bench = subject.bench();
    const outputs = outputsOf(bench);
    for (const step of programOf(subject, subject.random(check, program), pins)) {
      answerOf(bench, step);
      const words = wordsOf(bench, outputs);
      for (const [pin, count] of looks) count[levelOf(bench, pin) === 0 ? 'low' : 'high']++;
      copies ??= [...words.keys()].flatMap((path) => pins.map((pin): Copy => ({ path, pin, bits: -1 })));
      for (const copy of copies) copy.bits &= ~((words.get(copy.path) ?? 0) ^ levelOf(bench, copy.pin));
      copies = copies.filter(({ bits }) => bits !== 0);
    }
  }
  const isSure = ({ high, low }: { high: number; low: number }) => high >= EnoughLooks && low >= EnoughLooks;
  return (copies ?? []).filter(({ path, pin }) => !subject.notExercised(path) && isSure(looks.get(pin)!));
}

function forgotten(
  bench: TestBench<Device>,
  script: readonly ScriptStep[],
  copies: readonly Copy[],
): string | undefined {
  if (script.at(-1)?.kind !== 'reset') return undefined;
  const words = wordsOf(bench, outputsOf(bench));
  for (const { path, pin, bits } of copies) {
    if (levelOf(bench, pin) === 0 || ((words.get(path) ?? -1) & bits) === bits) continue;
    return (
      `after a reset '${path}' says that input '${pin}' is low, and it is high: until then it always had its level. A reset moves ` +
      "no wire. Keep it, with atReset: 'kept', or name it in notExercised."
    );
  }
  return undefined;
}

const outputsOf = ({ device }: TestBench<Device>): ReadonlySet<string> =>
  new Set([...pinsOf(device).keys()].map((name) => `${name}.level`));

/** Numbers and flags; a flag has one bit. */
function wordsOf(bench: TestBench<Device>, outputs: ReadonlySet<string>): ReadonlyMap<string, number> {
  const words = new Map<string, number>();
  for (const [path, value] of fieldsOf(bench)) {
    if (outputs.has(path)) continue;
    if (typeof value === 'boolean') words.set(path, value ? 1 : 0);
    else if (Number.isInteger(value) && Math.abs(value as number) < 2 ** Word) words.set(path, value as number);
  }
  return words;
}

/** Ones in all bits, or none. */
const levelOf = ({ pins }: TestBench<Device>, pin: string): number =>
  (pins as Readonly<Record<string, { readonly level: boolean }>>)[pin]?.level ? -1 : 0;
