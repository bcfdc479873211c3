import { hex } from '../../../base/text.ts';
import { MILLISECOND } from '../../../clock/index.ts';
import type { Device } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import { answerOf } from '../differential.ts';
import { act, type ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';
import { hasCharacters, outputOf, quietly, successorOf } from './backends.ts';

/** Steps of a program: each write in it is tried on devices of its own. */
const Length = 60;
const Programs = 10;
/** A character may take its time on the line. */
const wait: ScriptStep = { kind: 'wait', nanoseconds: 20 * MILLISECOND };

/** What a device sends, however the guest makes it send, leaves later if the other side has to be waited for. */
export const keepsRefusedBytes: Check = {
  name: 'a byte that the other side does not take at once leaves when it reads again, also from a restored device',
  applies: hasCharacters,
  find(subject) {
    return subject.search(
      this.name,
      (random) => subject.script(random, Length).filter(({ kind }) => kind !== 'other-side'),
      (script) => {
        const bench = subject.bench();
        for (const [index, step] of script.entries()) {
          const found = step.kind === 'write' ? quietly(() => lostBy(subject, bench, step)) : undefined;
          if (found !== undefined) return `step ${index + 1} is done while the other side does not read: ${found}`;
          answerOf(bench, step);
        }
        return undefined;
      },
      Programs,
    );
  },
};

/** What gets lost of the first byte that this step sends. */
function lostBy(subject: Subject, bench: TestBench<Device>, step: ScriptStep): string | undefined {
  const free = successorOf(subject, bench);
  const names = subject.layout.backends.characters;
  for (const name of names) outputOf(free, name);
  for (const one of [step, wait]) act(free, one);
  for (const backend of names) {
    const [first] = firstOutput(free, backend);
    if (first === undefined) continue;
    for (const isRestored of [false, true]) {
      const got = afterRefusal(subject, bench, step, backend, isRestored);
      if (got === first) continue;
      const what = got === undefined ? 'nothing leaves' : `${hex(got)} leaves first`;
      const where = isRestored ? ', from a device that was restored in between,' : '';
      return (
        `${what}${where} when it goes on, and ${hex(first)} where it reads all the time. ` +
        `Where write() of '${backend}' answers false, keep the byte as state, and send it in onWritable.`
      );
    }
  }
  return undefined;
}

/** The first byte that leaves when the other side has stopped before the step, and goes on after it. */
function afterRefusal(
  subject: Subject,
  bench: TestBench<Device>,
  step: ScriptStep,
  backend: string,
  isRestored: boolean,
): number | undefined {
  const stopped = successorOf(subject, bench);
  outputOf(stopped, backend);
  for (const one of [{ kind: 'other-side', backend, does: 'stop' } as const, step, wait]) act(stopped, one);
  const after = isRestored ? successorOf(subject, stopped) : stopped;
  for (const one of [{ kind: 'other-side', backend, does: 'go' } as const, wait]) act(after, one);
  return firstOutput(after, backend)[0];
}

const firstOutput = (bench: TestBench<Device>, backend: string): Uint8Array => outputOf(bench, backend);
