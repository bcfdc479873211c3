import { SECOND } from '../../../clock/index.ts';
import type { Device } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import { restoredBySnapshot } from '../device-fields.ts';
import { answerOf, lastOf, outcomeDifference, outcomeOf } from '../differential.ts';
import type { Check, Subject } from '../subject.ts';

const MostRuns = 3;

/** Finds state outside the device: a variable of the module, a static field, the host's clock or random numbers. */
export const sameForTheSame: Check = {
  name: 'a second device does the same as the first for the same program',
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

/** Guest time before the program, so that the epoch has seconds to move by. */
const Start = 1000 * SECOND;

/** Times count from an epoch, which moves. A stored time moves with it only if it is `@state({ as: guestTime })`. */
export const sameAfterRebase: Check = {
  name: "when the clock's epoch moves in the middle, it does the same as when it does not",
  find(subject) {
    return subject.search(
      this.name,
      (random) => [...subject.script(random), { kind: 'rebase' } as const, ...subject.script(random)],
      (script) => {
        const at = lastOf(script, 'rebase');
        if (at < 0) return undefined;
        const names = ['without the move', 'with it'] as const;
        const plain = newBench(subject);
        const moved = newBench(subject);
        const left = script.map((step, index) => (index === at ? undefined : answerOf(plain, step)));
        const right = script.map((step) => answerOf(moved, step));
        // A wait may have moved one epoch by itself. Both end at the same epoch, so that their times compare.
        const apart = Number(moved.clock.epoch - plain.clock.epoch);
        (apart < 0 ? moved : plain).clock.rebase(Math.abs(apart));
        const isState = restoredBySnapshot(plain);
        const ends = [outcomeOf(plain, left), outcomeOf(moved, right)] as const;
        const found = outcomeDifference(script, ...ends, names, (path) => !isState(path));
        return found && `${found} A time that is kept is declared: @state({ as: guestTime }).`;
      },
    );
  },
};

const newBench = (subject: Subject): TestBench<Device> => subject.bench({ startAt: Start });
