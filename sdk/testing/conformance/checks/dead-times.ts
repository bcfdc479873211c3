import type { Device } from '../../../device/index.ts';
import { guestTime, guestTimeOrNever } from '../../../state/shapes.ts';
import { declaredState, ownerAt, valueAt } from '../device-fields.ts';
import { answerOf, endsDifferently } from '../differential.ts';
import type { ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';

/** Programs after which a time that made no difference counts as dead. */
const MostPrograms = 300;
const StepsBefore = 60;
const StepsAfter = 100;
/** So often the state must have had an old time in place of its new one. */
const EnoughTries = 40;

/**
 * Finds a busy time that makes nothing wait. A device goes on with the time that its state had before it changed last: in some
 * program that must show. Other state may be kept for the host, which reads it without a step; a time is there to be compared.
 */
export const everyTimeMatters: Check = {
  name: 'a guest time that it keeps as state makes a difference somewhere',
  applies: (subject) => timePaths(subject).length > 0,
  find(subject) {
    const dead = timePaths(subject).find((path) => isDead(subject, this.name, path));
    if (dead === undefined) return undefined;
    const message =
      `state '${dead}' is a guest time that changes, and nothing ever depends on it. If the device is to wait for it, let it; if ` +
      'only certain steps of a driver show it, show them in idioms, or name it in notExercised.';
    return { message, script: [] };
  },
};

const timePaths = (subject: Subject): readonly string[] =>
  declaredState(subject.bench()).flatMap(({ path, shape }) =>
    (shape === guestTime || shape === guestTimeOrNever) && !subject.notExercised(path) ? [path] : [],
  );

function isDead(subject: Subject, check: string, path: string): boolean {
  let tries = 0;
  for (let program = 0; program < MostPrograms; program++) {
    const random = subject.random(`${check} ${path}`, program);
    const before = subject.script(random, StepsBefore);
    const changes = changesOf(subject, path, before);
    if (changes.length === 0) continue;
    const { step, old } = random.pick(changes);
    const after = [...before.slice(step + 1), ...subject.script(random, StepsAfter)];
    if (showsOldTime(subject, path, old, before.slice(0, step + 1), after)) return false;
    tries++;
  }
  return tries >= EnoughTries;
}

/** After which steps the state holds something else than before, and what it held. */
function changesOf(subject: Subject, path: string, script: readonly ScriptStep[]): { step: number; old: unknown }[] {
  const bench = subject.bench();
  let last = valueAt(bench.device, path);
  return script.flatMap((one, step) => {
    answerOf(bench, one);
    const [old, now] = [last, valueAt(bench.device, path)];
    last = now;
    return Object.is(old, now) ? [] : [{ step, old }];
  });
}

/** Whether a device that has the old time goes on differently from one that has the new one. */
function showsOldTime(
  subject: Subject,
  path: string,
  old: unknown,
  before: readonly ScriptStep[],
  after: readonly ScriptStep[],
): boolean {
  const [left, right] = [subject.after(before), subject.after(before)];
  setAt(right.device, path, old);
  for (const step of after) if (answerOf(left, step) !== answerOf(right, step)) return true;
  return endsDifferently(left, right, path);
}

function setAt(device: Device, path: string, value: unknown): void {
  const { owner, rest } = ownerAt(device, path);
  const [member = '', ...outer] = rest.split('.').reverse();
  const holder = outer.length === 0 ? owner : valueAt(owner, outer.reverse().join('.'));
  (holder as Record<string, unknown>)[member] = value;
}
