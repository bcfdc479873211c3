import { type Device, loadDevice, saveDevice } from '../../device/index.ts';
import type { TestBench } from '../test-bench.ts';
import { perform, type ScriptStep } from './guest-script.ts';
import { fieldsOf, firstFieldDifference, ramOf, within } from './observation.ts';
import type { Check, Subject } from './subject.ts';
import { type Answers, answerOf, clearRecorders, difference, lastOf } from './twins.ts';

/** Whoever goes on from a snapshot must not be told from whoever was never interrupted. */
export const snapshotRoundTrip: Check = {
  name: 'saved at any point and restored into a new device, it goes on as if nothing had happened',
  find(subject) {
    return subject.search(
      this.name,
      (random) => {
        const before = subject.script(random);
        const after = subject.script(random);
        return [...before.slice(random.below(before.length)), { kind: 'restore' } as const, ...after];
      },
      (script) => {
        const at = lastOf(script, 'restore');
        if (at < 0) return undefined;
        const names = ['on the device that went on', 'on the restored one'] as const;
        const restored = interrupted(subject, script, at);
        if (typeof restored === 'string') return restored;
        const found = difference(script, uninterrupted(subject, script, at), restored, names);
        return found && `${found} Put @state on the fields that it depends on.`;
      },
    );
  },
};

function uninterrupted(subject: Subject, script: readonly ScriptStep[], at: number): Answers {
  const bench = subject.bench();
  return script.map((step, index) => {
    const answer = answerOf(bench, step);
    if (index === at) clearRecorders(bench);
    return answer;
  });
}

function interrupted(subject: Subject, script: readonly ScriptStep[], at: number): Answers | string {
  let bench = subject.bench();
  let refused: string | undefined;
  const answers = script.map((step, index) => {
    if (index !== at) return answerOf(bench, step);
    try {
      const old = bench;
      bench = successor(subject, old, script.slice(0, at));
      refused = forgotten(subject, old, bench);
    } catch (error) {
      refused = `it cannot be restored from what it saved: ${error instanceof Error ? error.message : String(error)}`;
    }
    clearRecorders(bench);
    return undefined;
  });
  return refused ?? answers;
}

/** A field of the device that the snapshot does not hold: guests see it sooner or later. */
function forgotten(subject: Subject, old: TestBench<Device>, restored: TestBench<Device>): string | undefined {
  const found = firstFieldDifference(fieldsOf(old), fieldsOf(restored), within(subject.settings.scratch ?? []));
  return (
    found &&
    `'${found.path}' was ${found.left} and is ${found.right} after the restore. Put @state on it, or, if it is worked out ` +
      'anew before it is used, name it in scratch.'
  );
}

/** A new device at the same moment, with the same memory and lines around it, restored from what the old one saves. */
function successor(subject: Subject, old: TestBench<Device>, past: readonly ScriptStep[]): TestBench<Device> {
  // As text and back, as a file would hold it.
  const saved: unknown = JSON.parse(JSON.stringify(saveDevice(old.device)));
  const bench = subject.bench();
  bench.clock.set(old.clock.now);
  for (const step of past) if (step.kind === 'line') perform(bench, step);
  loadDevice(bench.device, saved);
  ramOf(bench).set(ramOf(old));
  return bench;
}
