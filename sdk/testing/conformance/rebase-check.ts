import { SECOND } from '../../clock/index.ts';
import type { Device } from '../../device/index.ts';
import type { TestBench } from '../test-bench.ts';
import { restoredBySnapshot } from './declared-state.ts';
import { answerOf, difference, lastOf } from './differential.ts';
import { fieldsOf, firstFieldDifference, ramOf } from './observation.ts';
import type { Check, Subject } from './subject.ts';

/** Guest time has passed before the program, so that there are seconds by which the epoch can move. */
const Start = 1000 * SECOND;

/**
 * Times are counted from an epoch, which moves forward now and then. A time that a device keeps moves with it if it is declared
 * with `@state({ as: guestTime })`; one in a plain number is suddenly another moment.
 */
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
        const advice = 'A time that is kept is declared: @state({ as: guestTime }).';
        const plain = newBench(subject);
        const moved = newBench(subject);
        const left = script.map((step, index) => (index === at ? undefined : answerOf(plain, step)));
        const right = script.map((step) => answerOf(moved, step));
        const found = difference(script, left, right, names);
        if (found !== undefined) return `${found} ${advice}`;
        // Moved by as much in the end, the times of both are counted from the same moment again.
        plain.clock.rebase(Number(moved.clock.epoch - plain.clock.epoch));
        const isState = restoredBySnapshot(plain.device);
        const field = firstFieldDifference(fieldsOf(plain), fieldsOf(moved), (path) => !isState(path));
        if (field !== undefined)
          return `in the end '${field.path}' is ${field.left} ${names[0]}, and ${field.right} ${names[1]}. ${advice}`;
        return Buffer.compare(ramOf(plain), ramOf(moved)) === 0
          ? undefined
          : `in the end guest memory differs. ${advice}`;
      },
    );
  },
};

const newBench = (subject: Subject): TestBench<Device> => subject.bench({ startAt: Start });
