import { hex } from '../../../base/text.ts';
import type { Device } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Finding } from '../check.ts';
import { answerOf, savedAsText } from '../differential.ts';
import { ramOf } from '../layout.ts';
import { type RecordedStep, recordedSteps } from '../recorded-guest.ts';
import type { ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';
import { successor } from './snapshot.ts';

/** Of a long program the end is shown. */
const StepsShown = 30;
/** Where the device is saved and restored, as parts of a recording. */
const RestoredAt = [0.25, 0.5, 0.75] as const;
/** A wait ends after some hundred deadlines: so many waits reach a time of seconds with a timer of microseconds. */
const MostWaits = 10_000;

/** What a real guest did is done again: each read answers as it did, without interruption and with a restore in the middle. */
export const answersRecordedGuests: Check = {
  name: 'it answers recorded guests as it did then, and so does a restored one from the middle on',
  applies: ({ settings }) => (settings.recordings?.length ?? 0) > 0,
  find(subject) {
    for (const recording of subject.settings.recordings ?? []) {
      const steps = recordedSteps(recording, subject.metadata.type);
      const restores = [...new Set(RestoredAt.map((part) => Math.floor(part * steps.length)))];
      for (const restoreAt of [undefined, ...restores]) {
        const found = play(subject, steps, restoreAt);
        if (found !== undefined) return { ...found, message: `recording '${recording.name}', ${found.message}` };
      }
    }
    return undefined;
  },
};

function play(subject: Subject, steps: readonly RecordedStep[], restoreAt: number | undefined): Finding | undefined {
  const done: ScriptStep[] = [];
  const perform = (step: ScriptStep): string => {
    done.push(step);
    return answerOf(bench, step);
  };
  let bench = subject.bench();
  for (const [index, { at, step, answer }] of steps.entries()) {
    if (index === restoreAt) {
      done.push({ kind: 'restore' });
      bench = successor(subject, bench, savedAsText(bench.device));
    }
    waitUntil(bench, at, perform);
    if (!isForDevice(bench, step)) continue;
    const problem = problemOf(step, perform(step), answer);
    if (problem === undefined) continue;
    const since = restoreAt === undefined || restoreAt > index ? '' : ', restored in the middle';
    return { message: `access ${index + 1} of ${steps.length}${since}: ${problem}`, script: done.slice(-StepsShown) };
  }
  return undefined;
}

function waitUntil({ clock }: TestBench<Device>, at: bigint, perform: (step: ScriptStep) => string): void {
  for (let waits = 0; waits < MostWaits && clock.absolute() < at; waits++) {
    perform({ kind: 'wait', nanoseconds: Number(at - clock.absolute()) });
  }
}

/** Elsewhere the guest's machine had something that the bench has not. */
function isForDevice(bench: TestBench<Device>, step: ScriptStep): boolean {
  if (step.kind !== 'read' && step.kind !== 'write') return true;
  if (step.space === 'memory' && step.address < ramOf(bench).length) return false;
  const section = (step.space === 'ports' ? bench.io : bench.memory).lookup(step.address);
  // The root of a space answers where nothing is.
  return section?.region.container !== undefined;
}

function problemOf(step: ScriptStep, answer: string, then: bigint | undefined): string | undefined {
  if (answer.startsWith('threw')) return `it ${answer}`;
  if (then === undefined || !('size' in step)) return undefined;
  const [now, was] = [answer.split(' ', 1)[0], hex(then, 2 * step.size)];
  return now === was ? undefined : `it answers ${now}, and answered ${was} then.`;
}
