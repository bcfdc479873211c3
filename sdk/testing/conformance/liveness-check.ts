import { answerOf } from './differential.ts';
import { goalsOf } from './liveness.ts';
import type { Check } from './subject.ts';

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
