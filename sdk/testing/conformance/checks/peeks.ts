import { type Device, hasPeekHandler } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import { fieldsOf, firstFieldDifference } from '../device-fields.ts';
import { answerOf } from '../differential.ts';
import type { ScriptStep } from '../script.ts';
import type { Check } from '../subject.ts';

/** Peeks of registers cannot differ; peek handlers are the author's. */
export const peeksAgree: Check = {
  name: 'a peek answers what the read after it answers, and changes nothing',
  applies: ({ deviceClass }) => hasPeekHandler(deviceClass),
  find(subject) {
    return subject.search(
      this.name,
      (random) => subject.script(random),
      (script) => {
        const bench = subject.bench();
        for (const [index, step] of script.entries()) {
          const problem = step.kind === 'read' ? problemOf(bench, step) : undefined;
          if (problem !== undefined) return `the peek before step ${index + 1} ${problem}`;
          if (step.kind !== 'read') answerOf(bench, step);
        }
        return undefined;
      },
    );
  },
};

/** Peeks, then reads. */
function problemOf(
  bench: TestBench<Device>,
  { space: name, address, size }: ScriptStep & { readonly kind: 'read' },
): string | undefined {
  const space = name === 'ports' ? bench.io : bench.memory;
  if (size === 8) {
    space.read64(address);
    return undefined;
  }
  const before = fieldsOf(bench);
  const peeked = space.peek(address, size);
  const changed = firstFieldDifference(before, fieldsOf(bench));
  if (changed !== undefined) return `changes '${changed.path}' from ${changed.left} to ${changed.right}.`;
  const read = space.read(address, size);
  return peeked === undefined || space.result !== 0 || peeked === read
    ? undefined
    : `answers ${peeked}, and the read answers ${read}.`;
}
