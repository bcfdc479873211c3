import { answerOf, difference } from './differential.ts';
import { fieldsOf, firstFieldDifference, ramOf } from './observation.ts';
import type { Check } from './subject.ts';

/** State beside the device (a variable of the module, a static field, the host's clock or dice) is told to nobody. */
export const sameForTheSame: Check = {
  name: 'told the same, a second device does the same as the first',
  find(subject) {
    return subject.search(
      this.name,
      (random) => subject.script(random, subject.length, { resets: random.oneIn(2) }),
      (script) => {
        const names = ['on the first device', 'on the second'] as const;
        const [first, second] = [subject.bench(), subject.bench()];
        const left = script.map((step) => answerOf(first, step));
        const right = script.map((step) => answerOf(second, step));
        const advice =
          'What it depends on is not in the device: keep state in fields of the instance, and time from VirtualClock.';
        const found = difference(script, left, right, names);
        if (found !== undefined) return `${found} ${advice}`;
        const field = firstFieldDifference(fieldsOf(first), fieldsOf(second));
        if (field !== undefined)
          return `'${field.path}' is ${field.left} ${names[0]}, and ${field.right} ${names[1]}. ${advice}`;
        return Buffer.compare(ramOf(first), ramOf(second)) === 0
          ? undefined
          : `guest memory is another in the end. ${advice}`;
      },
      Math.min(subject.runs, MostRuns),
    );
  },
};

const MostRuns = 3;
