import { type Device, devicesIn, pinsOf, type RegisterDeclaration } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Random } from '../../random.ts';
import {
  type FieldDifference,
  type Fields,
  fieldsOf,
  firstFieldDifference,
  keptAtReset,
  ownerAt,
  restoredBySnapshot,
} from '../device-fields.ts';
import { type Answers, answerOf, clearRecorders, difference, lastOf, pinHigh } from '../differential.ts';
import { copyMemory } from '../layout.ts';
import { passTime, perform, type ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';
import { transplant } from '../transplant.ts';

/** The state of the author's services that have no reset of their own. */
function keptByServices({ settings }: Subject, used: TestBench<Device>): ReturnType<TestBench<Device>['saveServices']> {
  const given = settings.services?.() ?? [];
  const kept = given.filter(([, service]) => !('reset' in service)).map(([token]) => token.name);
  return Object.fromEntries(Object.entries(used.saveServices()).filter(([name]) => kept.includes(name)));
}

/** A program that a reset ends anywhere, and a program that shows the result. */
function aroundReset(subject: Subject, random: Random): ScriptStep[] {
  const before = subject.script(random, 1 + random.below(subject.length));
  return [...before, { kind: 'reset' }, ...subject.script(random, Math.ceil(subject.length / 2))];
}

/** Whether something is under way at the reset is chance, so more programs run. */
const MoreRuns = 3;

/** What the guest sees after the reset, and what the fields hold right then. */
interface Aftermath {
  readonly answers: Answers;
  readonly fields: Fields;
}

/** Runs a script; `before` does the steps in front of the reset, and `prepare` is called right before it. */
function aftermath(
  bench: TestBench<Device>,
  script: readonly ScriptStep[],
  reset: number,
  before: (step: ScriptStep) => void,
  prepare = (): void => {},
): Aftermath {
  script.slice(0, reset).forEach(before);
  prepare();
  answerOf(bench, script[reset] as ScriptStep);
  clearRecorders(bench);
  const fields = fieldsOf(bench);
  return { fields, answers: script.map((step, index) => (index > reset ? answerOf(bench, step) : undefined)) };
}

function usedThenReset(subject: Subject, script: readonly ScriptStep[], reset: number): Aftermath {
  const bench = subject.bench();
  return aftermath(bench, script, reset, (step) => answerOf(bench, step));
}

/** The same on a device without accesses before its reset. Time passes, other devices drive its inputs, and what survives is copied. */
function unusedThenReset(subject: Subject, script: readonly ScriptStep[], reset: number): Aftermath {
  const used = subject.bench();
  const bench = subject.bench();
  const pass = (step: ScriptStep): void => {
    answerOf(used, step);
    if (step.kind === 'pin') answerOf(bench, step);
    // As much time as passed there, where a wait may have been cut short.
    passTime(bench.clock, Number(used.clock.absolute() - bench.clock.absolute()));
  };
  const copySurvivors = (): void => {
    transplant(used.device, bench.device, keptAtReset(used));
    copyMemory(used, bench);
    bench.backends.copyFrom(used.backends);
    bench.backends.restoring(() => bench.device.onStateLoaded(subject.metadata.version));
    bench.loadServices({ ...bench.saveServices(), ...keptByServices(subject, used) });
  };
  return aftermath(bench, script, reset, pass, copySurvivors);
}

function fieldInWords({ path, left, right }: FieldDifference, names: readonly [string, string]): string {
  if (!path.endsWith(Deadline)) return `'${path}' is ${left} ${names[0]}, and ${right} ${names[1]}.`;
  const [one, other] = [left, right].map((ns) => (ns === 'Infinity' ? 'off' : `due in ${Number(ns)} ns`));
  return `timer '${path}' is ${one} ${names[0]}, and ${other} ${names[1]}.`;
}

const Deadline = '.deadline';

const likeNew: Check = {
  name: 'a reset leaves nothing behind of what the guest did before',
  find(subject) {
    const makeScript = (random: Random) => aroundReset(subject, random);
    const fresh = subject.bench();
    const { device: any } = fresh;
    const isState = restoredBySnapshot(fresh);
    // Stale bytes behind an empty buffer are no mistake unless a guest reads them. Neither are fields that are recomputed.
    const ignored = (path: string): boolean => ownerAt(any, path).rest.includes('[') || !isState(path);
    const look = (script: readonly ScriptStep[]): string | undefined => {
      const reset = lastOf(script, 'reset');
      if (reset < 0) return undefined;
      const names = ['on the device that was used before', 'on one that was not'] as const;
      const advice =
        "Reset it, or, if the hardware keeps it, declare that: atReset: 'kept', of a register or of @state.";
      const used = usedThenReset(subject, script, reset);
      const unused = unusedThenReset(subject, script, reset);
      const field = firstFieldDifference(used.fields, unused.fields, ignored);
      if (field !== undefined) return `after the reset ${fieldInWords(field, names)} ${advice}`;
      const found = difference(script, used.answers, unused.answers, names);
      return found && `${found} ${advice}`;
    };
    return subject.search(this.name, makeScript, look, MoreRuns * subject.runs);
  },
};

const twiceIsOnce: Check = {
  name: 'reset twice gives the same state as reset once',
  find(subject) {
    return subject.search(
      this.name,
      (random) => [...subject.script(random), { kind: 'reset' }],
      (script) => {
        const bench = subject.after(script);
        const once = fieldsOf(bench);
        perform(bench, { kind: 'reset' });
        const changed = firstFieldDifference(once, fieldsOf(bench));
        return changed && `'${changed.path}' is ${changed.left} after one reset and ${changed.right} after another.`;
      },
    );
  },
};

const silent: Check = {
  name: 'no interrupt is left asserted after a reset',
  find(subject) {
    // What follows from an input that is high is not left over, and a derived pin may rest high.
    const unused = subject.bench();
    const atRest = [...pinsOf(unused.device)].flatMap(([name, { isDerived, level }]) =>
      isDerived && level ? [name] : [],
    );
    const quiet = subject.layout.pins.map((pin): ScriptStep => ({ kind: 'pin', pin, level: false }));
    return subject.search(
      this.name,
      (random) => [...subject.script(random), { kind: 'reset' }],
      (script) => {
        if (script.at(-1)?.kind !== 'reset') return undefined;
        const bench = subject.after([...script.slice(0, -1), ...quiet]);
        perform(bench, { kind: 'reset' });
        const high = pinHigh(bench, atRest);
        return high && `pin '${high}' is high after the reset. Lower it in reset().`;
      },
    );
  },
};

const isReset = ({ kind, atReset }: RegisterDeclaration): boolean => kind === 'stored' && atReset === 'reset-value';

const resetValues: Check = {
  name: 'registers have their reset values after a reset, and before the first one',
  applies: ({ layout }) => layout.parts.some(({ metadata }) => metadata.registers.some(isReset)),
  find(subject) {
    const wrong = (outer: Device): string | undefined => {
      for (const { name, device } of devicesIn(outer)) {
        for (const { member, reset } of device.metadata.registers.filter(isReset)) {
          const held = (device as unknown as Readonly<Record<string, unknown>>)[member];
          const values = ArrayBuffer.isView(held) ? Array.from(held as unknown as ArrayLike<number>) : [held];
          const other = values.find((value) => value !== reset);
          const path = name === '' ? member : `${name}.${member}`;
          if (other !== undefined) return `'${path}' is ${String(other)}, its declared reset value ${reset}`;
        }
      }
      return undefined;
    };
    let initial: string | undefined;
    subject.bench({
      beforeReset: (device) => {
        initial = wrong(device);
      },
    });
    if (initial !== undefined) return { message: `before the first reset ${initial}.`, script: [] };
    return subject.search(
      this.name,
      (random) => [...subject.script(random), { kind: 'reset' }],
      (script) => {
        if (script.at(-1)?.kind !== 'reset') return undefined;
        const found = wrong(subject.after(script).device);
        return found && `after a reset ${found}. The base class does that: is super.reset() called?`;
      },
    );
  },
};

export const resetChecks: readonly Check[] = [resetValues, twiceIsOnce, likeNew, silent];
