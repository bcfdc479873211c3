import { PciDevice, pciIdentity } from '../../../bus/index.ts';
import { type Device, pinsOf, type RegisterDeclaration, timersOf } from '../../../device/index.ts';
import { declaredState } from '../device-fields.ts';
import { answerOf } from '../differential.ts';
import type { Check, Subject } from '../subject.ts';
import {
  type Goal,
  MemoryGoal,
  Moved,
  memberOf,
  PinGoal,
  RegisterGoal,
  StateGoal,
  TimerGoal,
} from './liveness-goals.ts';

/** Programs after which what has not moved counts as dead. Living devices need a few. */
const MostPrograms = 120;
/** Programs that are run in any case where there is a memory: so many show whether programs come near its ends. */
const FirstPrograms = 10;
/** Now and then a program of a hostile guest, which goes where others do not. */
const HostileEach = 4;

/**
 * A status bit that nothing sets, a line that nothing raises, a timer that nothing arms: declared, and forgotten. What is
 * really fixed is declared `constant`, and what is not modelled `unimplemented`.
 */
export const everythingIsAlive: Check = {
  name: 'whatever it declares to change does change in some program',
  find(subject) {
    const goals = goalsOf(subject);
    let missing: readonly string[] = [];
    let isOpen = goals.length > 0;
    for (let program = 0; program < MostPrograms && (isOpen || missing.length > 0); program++) {
      const hostile = program % HostileEach === HostileEach - 1;
      const script = subject.script(subject.random(this.name, program), subject.length, { hostile });
      const bench = subject.bench();
      for (const goal of goals) goal.begin(bench.device);
      for (const step of script) {
        answerOf(bench, step);
        for (const goal of goals) goal.look();
      }
      missing = goals.flatMap((goal) => goal.missing());
      isOpen = goals.some((goal) => goal.isOpen !== undefined && (program < FirstPrograms || goal.isOpen()));
    }
    if (missing.length === 0) return undefined;
    const message =
      `in ${MostPrograms} programs ${missing.join('; ')}. If it is forgotten, let the device move it; if it is fixed or not ` +
      'modelled, declare it constant or unimplemented; if only certain steps of a driver lead there, show them in idioms, or ' +
      'name it in notExercised.';
    return { message, script: [] };
  },
};
/** A memory shorter than this is a few fields; its ends say nothing. */
const ShortestMemory = 64;

/** Everything that the declaration promises to be alive: pins, timers, bits that the device moves, state and its memories. */
export function goalsOf(subject: Subject): readonly Goal[] {
  const { device } = subject.bench();
  const { registers } = subject.blueprint;
  const members = new Set(registers.map(({ member }) => member));
  const wired = [...pinsOf(device).keys()].filter((name) => isWired(device, name)).map(memberOf);
  const pins = [...new Set(wired)].map((member) => new PinGoal(member));
  const timers = [...timersOf(device).keys()].map((name) => new TimerGoal(name));
  const state = declaredState(device).filter(({ path }) => !members.has(path));
  const memories = state.filter(({ value }) => isMemory(value) && value.length >= ShortestMemory);
  const { notExercised } = subject;
  const all: readonly Goal[] = [
    ...pins,
    ...timers,
    ...registers.filter(movesByItself).map((register) => new RegisterGoal(register, notExercised)),
    ...state.filter(({ value }) => isScalar(value)).map(({ path }) => new StateGoal(path)),
    ...memories.map(({ path }) => new MemoryGoal(path)),
  ];
  return all.filter(({ path }) => !notExercised(path));
}

const isScalar = (value: unknown): boolean => typeof value !== 'object' && typeof value !== 'function';
const isMemory = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
const movesByItself = ({ fields, access, readHook }: RegisterDeclaration): boolean =>
  fields.length === 0
    ? Moved.includes(access) && readHook === undefined
    : fields.some((field) => Moved.includes(field.access));

/** A function without an interrupt pin has the members all the same. */
function isWired(device: Device, name: string): boolean {
  if (!(device instanceof PciDevice) || (name !== 'interrupt' && name !== 'interruptOut')) return true;
  return device.blueprint.facet(pciIdentity)?.interruptPin !== undefined;
}
