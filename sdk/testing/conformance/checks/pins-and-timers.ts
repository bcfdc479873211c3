import { type Device, pinsOf, type RegisterAccess, timersOf } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Finding } from '../check.ts';
import { fieldsOf } from '../device-fields.ts';
import { answerOf } from '../differential.ts';
import { RegisterModel } from '../register-model.ts';
import type { ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';

/** `timer.armedWhile` and `pin.highWhile` hold after every access and every timer, not only after a restore. */
export const derivedFollows: Check = {
  name: 'timers are armed and pins are high exactly while the device says so',
  applies(subject) {
    const { device } = subject.bench();
    return (
      [...timersOf(device).values()].some(({ armedWhile }) => armedWhile !== undefined) ||
      [...pinsOf(device).values()].some(({ highWhile }) => highWhile !== undefined)
    );
  },
  find(subject) {
    return subject.search(
      this.name,
      (random) => subject.script(random, subject.length, { resets: true }),
      (script) => {
        const bench = subject.bench();
        const [timers, pins] = [timersOf(bench.device), pinsOf(bench.device)];
        for (const [index, step] of script.entries()) {
          answerOf(bench, step);
          for (const [name, { armedWhile, pending }] of timers) {
            if (armedWhile === undefined || armedWhile() === pending) continue;
            return `after step ${index + 1} timer '${name}' is ${pending ? '' : 'not '}armed, and its armedWhile says that it is${pending ? ' not' : ''}.`;
          }
          for (const [name, { highWhile, level }] of pins) {
            if (highWhile === undefined || highWhile() === level) continue;
            return `after step ${index + 1} pin '${name}' is ${level ? 'high' : 'low'}, and its highWhile says that it is ${level ? 'low' : 'high'}.`;
          }
        }
        return undefined;
      },
    );
  },
};

/** Short programs reach the same state in several ways. */
const Programs = 150;
const Length = 16;
const CausePrograms = 20;
/** A pin must have risen so often, each time with a cause, before the cause counts as what holds it high. */
const RisesSeen = 4;

interface History {
  readonly high: boolean;
  readonly script: readonly ScriptStep[];
}

/** Finds a level that a hook forgot to update: two programs end in the same fields and in different levels. */
export const pinsFollowState: Check = {
  name: 'two histories that end in the same state leave its pins at the same levels',
  applies: (subject) => levelPins(subject).length > 0,
  find(subject) {
    for (const pin of levelPins(subject)) {
      const known = new Map<string, History>();
      for (let program = 0; program < Programs; program++) {
        const script = subject.script(subject.random(this.name, program), Length);
        const found = collision(subject, script, pin, known);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  },
};

/** Pins of an array are a bus of their own. Derived ones follow the state by themselves, and `highWhile` is in the contract. */
function levelPins(subject: Subject): readonly string[] {
  return [...pinsOf(subject.bench().device)].flatMap(([name, { highWhile, isDerived }]) =>
    isDerived || highWhile !== undefined || name.includes('[') || subject.notExercised(name) ? [] : [name],
  );
}

function collision(
  subject: Subject,
  script: readonly ScriptStep[],
  pin: string,
  known: Map<string, History>,
): Finding | undefined {
  const bench = subject.bench();
  for (const [index, step] of script.entries()) {
    answerOf(bench, step);
    const high = levelOf(bench, pin);
    const key = keyOf(bench);
    const other = known.get(key);
    if (other === undefined) known.set(key, { high, script: script.slice(0, index + 1) });
    else if (other.high !== high) return inWords(subject, pin, other, { high, script: script.slice(0, index + 1) });
  }
  return undefined;
}

/** Everything that the device holds but its outputs, and the levels of its inputs. */
function keyOf(bench: TestBench<Device>): string {
  const pins = new Set([...pinsOf(bench.device).keys()].map((name) => `${name}.level`));
  const inputs = bench.pins as Readonly<Record<string, { readonly level: boolean }>>;
  let key = Object.keys(inputs)
    .filter((name) => inputs[name]?.level)
    .join();
  for (const [path, value] of fieldsOf(bench, bench.bus.ownMembers)) {
    if (!pins.has(path)) key += `;${String(value)}`;
  }
  return key;
}

const levelOf = ({ device }: TestBench<Device>, pin: string): boolean => pinsOf(device).get(pin)?.level === true;

function inWords(subject: Subject, pin: string, one: History, other: History): Finding {
  const levels = [one, other].map(({ high }) => (high ? 'high' : 'low'));
  const shown = other.high ? one : other;
  const message =
    `pin '${pin}' is ${levels[0]} after ${one.script.length} steps of one program and ${levels[1]} after ${other.script.length} of ` +
    `another, though everything else that ${subject.deviceClass.name} holds is the same. Say the level again wherever something changes that it depends on; ` +
    'a pin that remembers by itself is named in notExercised. The program that leaves it low:';
  return { message, script: shown.script };
}

/** Fields that a driver clears by a read or by ones: the causes of an interrupt. */
function causesOf({ metadata, layout }: Subject): readonly { member: string; bits: bigint }[] {
  const model = new RegisterModel(layout);
  return metadata.registers.flatMap((register) => {
    const fields = model.fieldsOf(register);
    const isCause = fields.some(({ access }) => access === 'write-one-to-clear' || access === 'read-to-clear');
    // Beside them others may hold the pin up too, which the guest cannot clear itself.
    const bits = fields.reduce((sum, field) => (Causes.includes(field.access) ? sum | field.bits : sum), 0n);
    return isCause && register.count === undefined ? [{ member: register.member, bits }] : [];
  });
}

const Causes: readonly RegisterAccess[] = ['write-one-to-clear', 'read-to-clear', 'read-only'];

/** Finds a line that stays high after its last cause was acknowledged. */
export const acknowledgedIsLowered: Check = {
  name: 'a pin that rises for causes falls when the last of them is cleared',
  applies: (subject) => causesOf(subject).length > 0,
  find(subject) {
    const causes = causesOf(subject);
    const { device } = subject.bench();
    const pins = [...pinsOf(device).keys()].filter((name) => !subject.notExercised(name));
    const named = causes.map(({ member }) => `'${member}'`).join(', ');
    for (const pin of pins) {
      let rises = 0;
      let risesFreely = false;
      /** The step after which the pin is high without a cause; -1 if there is none. */
      const outlives = (script: readonly ScriptStep[]): number => {
        const bench = subject.bench();
        let was = levelOf(bench, pin);
        for (const [index, step] of script.entries()) {
          answerOf(bench, step);
          const is = levelOf(bench, pin);
          const caused = causes.some(({ member, bits }) => (BigInt(heldBy(bench.device, member)) & bits) !== 0n);
          if (is && !caused) {
            risesFreely ||= !was;
            return was ? index : -1;
          }
          if (is && !was) rises++;
          was = is;
        }
        return -1;
      };
      let outlived: readonly ScriptStep[] | undefined;
      for (let program = 0; program < CausePrograms && !risesFreely; program++) {
        const script = subject.script(subject.random(this.name, program));
        const end = outlives(script);
        if (end >= 0) outlived ??= script.slice(0, end + 1);
      }
      if (risesFreely || outlived === undefined || rises < RisesSeen) continue;
      const message = `pin '${pin}' rises only while one of ${named} says why, and stays up when the last of them is cleared. Lower it then; a pin that is lowered otherwise is named in notExercised.`;
      return subject.shorten(outlived, (part) => (outlives(part) >= 0 ? message : undefined));
    }
    return undefined;
  },
};

const heldBy = (device: Device, member: string): number | bigint =>
  (device as unknown as Readonly<Record<string, number | bigint>>)[member] ?? 0;
