import { pinsOf, timersOf } from '../../device/index.ts';
import { answerOf } from './differential.ts';
import type { Check } from './subject.ts';

/**
 * `timer.armedWhile` and `pin.highWhile` say what follows from the rest of the state. It follows after every access and every
 * timer, not only when a snapshot is loaded.
 */
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
