import { type Device, type InputPin, loadDevice } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Random } from '../../random.ts';
import { type Fields, fieldsOf, firstFieldDifference, ownerAt, restoredBySnapshot } from '../device-fields.ts';
import {
  answerOf,
  clearRecorders,
  lastOf,
  type Outcome,
  outcomeDifference,
  outcomeOf,
  refusal,
  savedAsText,
} from '../differential.ts';
import { copyMemory } from '../layout.ts';
import type { ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';

/**
 * Finds the fields that are read before they are written: the device depends on them. A field that is written first needs
 * no place in a snapshot. Elements of arrays are not watched.
 */
class ReadWatch {
  private readonly restore: (() => void)[] = [];
  private readonly read = new Set<string>();
  private readonly written = new Set<string>();
  private readonly untouched = new Set<string>();

  /** Watches the fields at these paths, `time.base`, from now on. Where one is missing, what would hold it is watched. */
  constructor(device: object, paths: readonly string[]) {
    for (const path of paths) this.watch(device, path);
  }

  /** The fields are as before. Answers which of them were read first, written first, and neither. */
  end(): { readonly [what in 'read' | 'written' | 'untouched']: readonly string[] } {
    for (const restore of this.restore) restore();
    return { read: [...this.read], written: [...this.written], untouched: [...this.untouched] };
  }

  private watch(device: object, path: string): void {
    const place = ownerAt(device, path);
    let { owner } = place;
    const names = place.rest.split('.');
    for (const name of names) {
      const slot = Object.getOwnPropertyDescriptor(owner, name);
      if (slot === undefined || slot.configurable !== true || !('value' in slot)) return;
      if (typeof slot.value === 'object' && slot.value !== null) owner = slot.value as object;
      else {
        this.replace(owner, name, slot, path);
        return;
      }
    }
  }

  private replace(owner: object, name: string, slot: PropertyDescriptor, path: string): void {
    let { value } = slot;
    this.untouched.add(path);
    Object.defineProperty(owner, name, {
      configurable: true,
      enumerable: slot.enumerable === true,
      get: () => {
        if (this.untouched.delete(path)) this.read.add(path);
        return value;
      },
      set: (next: unknown) => {
        if (this.untouched.delete(path)) this.written.add(path);
        value = next;
      },
    });
    this.restore.push(() => Object.defineProperty(owner, name, { ...slot, value }));
  }
}

/** A field that was so often written before it was read is recomputed each time. */
const SurelyWritten = 5;

const names = ['on the device that went on', 'on the restored one'] as const;

/** A guest cannot tell a device that was restored from one that was never interrupted. */
export const snapshotRoundTrip: Check = {
  name: 'saved at any point and restored into a new device, it goes on as if nothing had happened',
  find(subject) {
    // How often each field that no snapshot restores was written before it was read.
    const written = new Map<string, number>();
    // Fields that are recomputed before they are used do not count.
    const isState = restoredBySnapshot(subject.bench());
    const makeScript = (random: Random): ScriptStep[] => {
      const before = subject.script(random);
      const after = subject.script(random);
      const kept = before.slice(random.below(before.length));
      // On a bus the device is saved in the middle of a transfer too.
      const last = kept.findLastIndex(({ kind }) => kind === 'transfer');
      const cut = last < 0 || random.oneIn(2) ? kept : openAtEnd(kept.slice(0, last + 1));
      return [...cut, { kind: 'restore' } as const, ...after];
    };
    const look = (script: readonly ScriptStep[]): string | undefined => {
      const at = lastOf(script, 'restore');
      if (at < 0) return undefined;
      const restored = interrupted(subject, script, at, written);
      if (typeof restored === 'string') return restored;
      const found = outcomeDifference(
        script,
        uninterrupted(subject, script, at),
        restored,
        names,
        (path) => !isState(path),
      );
      return found && `${found} Put @state on the fields that it depends on.`;
    };
    const isOpen = (): boolean => [...written.values()].some((times) => times < SurelyWritten);
    const found = subject.search(this.name, makeScript, look, subject.runs, isOpen);
    const [forgotten] = [...written].find(([, times]) => times === 0) ?? [];
    if (found !== undefined || forgotten === undefined) return found;
    return { message: `'${forgotten}' changes, and no snapshot brings it back. Put @state on it.`, script: [] };
  },
};

const openAtEnd = (script: readonly ScriptStep[]): ScriptStep[] =>
  script.map((step, index) =>
    index === script.length - 1 && step.kind === 'transfer' ? { ...step, isOpen: true } : step,
  );

function uninterrupted(subject: Subject, script: readonly ScriptStep[], at: number): Outcome {
  const bench = subject.bench();
  const answers = script.map((step, index) => {
    const answer = answerOf(bench, step);
    if (index === at) clearRecorders(bench);
    return answer;
  });
  return outcomeOf(bench, answers);
}

/** The same with a restore in the middle; or what is wrong with the restored device. */
function interrupted(
  subject: Subject,
  script: readonly ScriptStep[],
  at: number,
  seen: Map<string, number>,
): Outcome | string {
  const old = subject.bench();
  const answers: (string | undefined)[] = script.slice(0, at).map((step) => answerOf(old, step));
  answers.push(undefined);
  let saved: unknown;
  let bench: TestBench<Device>;
  try {
    saved = savedAsText(old.device);
    bench = successor(subject, old, saved);
  } catch (error) {
    return refusal(saved, error);
  }
  const isState = restoredBySnapshot(bench);
  const [was, is] = [fieldsOf(old), fieldsOf(bench)];
  const changed = firstFieldDifference(was, is, (path) => !isState(path));
  if (changed !== undefined) return `${forgotten(changed)}. Put @state on it.`;
  clearRecorders(bench);
  const watch = new ReadWatch(bench.device, differingPaths(was, is));
  for (const step of script.slice(at + 1)) answers.push(answerOf(bench, step));
  const { read, written, untouched } = watch.end();
  for (const path of untouched) seen.set(path, seen.get(path) ?? 0);
  for (const path of written) seen.set(path, (seen.get(path) ?? 0) + 1);
  const field = read.length === 0 ? undefined : firstFieldDifference(was, is, (path) => !read.includes(path));
  if (field === undefined) return outcomeOf(bench, answers);
  return `${forgotten(field)}, and the device reads it before it writes it. Put @state on it.`;
}

const forgotten = ({ path, left, right }: { path: string; left: string; right: string }): string =>
  `'${path}' was ${left} and is ${right} after the restore`;

const differingPaths = (left: Fields, right: Fields): readonly string[] =>
  [...new Set([...left.keys(), ...right.keys()])].filter((path) => !Object.is(left.get(path), right.get(path)));

/**
 * A new device at the same moment, with the same memory and levels at its inputs, restored from what the old one saved. As in a
 * machine, no edge tells it of those levels.
 */
export function successor(subject: Subject, old: TestBench<Device>, saved: unknown): TestBench<Device> {
  const bench = subject.bench();
  bench.clock.set(old.clock.now, old.clock.epoch);
  const inputs = bench.pins as Readonly<Record<string, InputPin>>;
  for (const [name, { level }] of Object.entries(old.pins as typeof inputs)) inputs[name]?.restore(level);
  bench.loadServices(JSON.parse(JSON.stringify(old.saveServices())));
  copyMemory(old, bench);
  bench.backends.load(old.backends.save());
  bench.backends.restoring(() => loadDevice(bench.device, saved));
  return bench;
}
