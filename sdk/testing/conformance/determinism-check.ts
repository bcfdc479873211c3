import { answerOf, outcomeDifference, outcomeOf } from './differential.ts';
import type { Check } from './subject.ts';

const MostRuns = 3;

/** State beside the device, in a variable of the module, a static field, the host's clock or dice, is in no snapshot and no reset. */
export const sameForTheSame: Check = {
  name: 'told the same, a second device does the same as the first',
  find(subject) {
    return subject.search(
      this.name,
      (random) => subject.script(random, subject.length, { resets: random.oneIn(2) }),
      (script) => {
        const [first, second] = [subject.bench(), subject.bench()];
        const left = script.map((step) => answerOf(first, step));
        const right = script.map((step) => answerOf(second, step));
        const names = ['on the first device', 'on the second'] as const;
        const found = outcomeDifference(script, outcomeOf(first, left), outcomeOf(second, right), names);
        return (
          found &&
          `${found} What it depends on is not in the device: keep state in fields of the instance, and time from VirtualClock.`
        );
      },
      Math.min(subject.runs, MostRuns),
    );
  },
};
