import type { Device } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import { answerOf } from '../differential.ts';
import type { ScriptStep } from '../script.ts';
import type { Check } from '../subject.ts';

/** Methods by which a device on a bus answers a controller, and the largest answer of each. */
const answering = [
  ['onRead', 0xff],
  ['onTransfer', 0xffff_ffff],
  ['onData', 0xffff_ffff],
  ['readAt', 0xffff_ffff],
] as const;

/** The bus would make a number of anything: what lies behind the end of an array becomes zero. */
export const transfersAnswerNumbers: Check = {
  name: 'what it answers in a transfer is a number that fits',
  applies: ({ layout }) => layout.bus.hasTransfers,
  find(subject) {
    return subject.search(
      this.name,
      (random) => subject.script(random, subject.length, { resets: true }),
      (script) => problemOf(subject.bench(), script),
    );
  },
};

function problemOf(bench: TestBench<Device>, script: readonly ScriptStep[]): string | undefined {
  const methods = bench.device as unknown as Record<string, unknown>;
  let problem: string | undefined;
  for (const [name, largest] of answering) {
    const method = methods[name];
    if (typeof method !== 'function') continue;
    methods[name] = (...given: unknown[]): unknown => {
      const answer: unknown = method.apply(bench.device, given);
      const fits = Number.isInteger(answer) && Number(answer) >= 0 && Number(answer) <= largest;
      if (!fits) problem ??= `${name} answers ${String(answer)}, and no number from 0 to 0x${largest.toString(16)}.`;
      return answer;
    };
  }
  for (const [index, step] of script.entries()) {
    answerOf(bench, step);
    if (problem !== undefined) return `in step ${index + 1} ${problem}`;
  }
  return undefined;
}
