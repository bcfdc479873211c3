import type { Device } from '../../../device/index.ts';
import type { TestBlockBackend, TestImage } from '../../bench/test-backends.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Finding } from '../check.ts';
import { type Fields, fieldsOf, firstFieldDifference, isOfBackend } from '../device-fields.ts';
import { answerOf, firstDifference } from '../differential.ts';
import type { ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';
import { quietly } from './backends.ts';

/** Programs whose first change of the image is looked at. */
const Programs = 8;
const Length = 60;
/** More failures than a device tries again. */
const Always = 1_000_000;
/** What an image holds in every byte that is taken for an empty one. */
const Empty = [0xff, 0x00];

const hasImages = ({ layout }: Subject): boolean => layout.backends.blocks.length > 0;

/** An image is the user's data: a device that cannot read it must not go on as with a new one. */
const failsWithoutItsImage: Check = {
  name: 'an image that cannot be read at the start is not taken for an empty one',
  applies: hasImages,
  find(subject) {
    for (const name of subject.layout.backends.blocks) {
      const { bytes } = imageOf(subject.bench(), name);
      const full = bytes.map((_, at) => (at * 37 + (at >> 8) * 11 + 1) & 0xff);
      const failed = startedWith(subject, name, { bytes: full, failsFirst: 1 });
      if (failed === undefined || isAlike(failed, startedWith(subject, name, { bytes: full }))) continue;
      for (const byte of Empty) {
        if (!isAlike(failed, startedWith(subject, name, { bytes: full.slice().fill(byte) }))) continue;
        const message =
          `the first read of '${name}' fails, and the device is as with an image that holds ${byte} in every byte. Look at what read() ` +
          'answers: throw a BackplaneError in onRealize, or keep that it failed, and tell the guest.';
        return { message, script: [] };
      }
    }
    return undefined;
  },
};

/** The fields of a new device; undefined where it refuses to start. */
function startedWith(subject: Subject, name: string, image: TestImage): Fields | undefined {
  return quietly(() => fieldsOf(subject.bench({ images: { ...subject.settings.images, [name]: image } })));
}

/** A device that keeps what an image holds must know which changes are not in it. */
const knowsWhatIsNotStored: Check = {
  name: 'a change that the host does not store differs from one that it stores',
  applies: hasImages,
  find(subject) {
    const changes: Change[] = [];
    for (let program = 0; program < Programs; program++) {
      const change = firstChange(subject, subject.script(subject.random(this.name, program), Length));
      // What a device reads from the image again is seen when it is not there.
      if (change === 'reads') return undefined;
      if (change !== undefined) changes.push(change);
    }
    for (const change of changes) {
      const found = believedStored(subject, change);
      if (found !== undefined) return found;
    }
    return undefined;
  },
};

/** The last step of the script is the first that changes what the image holds. */
interface Change {
  readonly name: string;
  readonly script: readonly ScriptStep[];
  readonly fields: Fields;
}

function firstChange(subject: Subject, script: readonly ScriptStep[]): Change | 'reads' | undefined {
  const steps = script.filter(({ kind }) => kind !== 'fail');
  const bench = subject.bench();
  const images = subject.layout.backends.blocks.map((name) => {
    const image = imageOf(bench, name);
    return { name, image, reads: image.counts.reads, writes: image.counts.writes, held: image.bytes.slice() };
  });
  let change: Change | undefined;
  for (const [index, step] of steps.entries()) {
    answerOf(bench, step);
    for (const one of images) {
      const { name, image, reads, writes, held } = one;
      if (image.counts.reads > reads) return 'reads';
      if (change !== undefined || image.counts.writes === writes) continue;
      one.writes = image.counts.writes;
      if (firstDifference(image.bytes, held) >= 0)
        change = { name, script: steps.slice(0, index + 1), fields: fieldsOf(bench) };
    }
  }
  return change;
}

function believedStored(subject: Subject, { name, script, fields }: Change): Finding | undefined {
  const before = script.slice(0, -1);
  const last = script.at(-1) as ScriptStep;
  const failing = subject.after(before);
  imageOf(failing, name).failNext('input-output', Always);
  const given = imageOf(subject.bench(), name).bytes;
  const images = { ...subject.settings.images, [name]: { bytes: given, isReadOnly: true } };
  const readOnly = subject.after(before, subject.bench({ images }));
  for (const [bench, why] of [
    [failing, 'the host fails'],
    [readOnly, 'it is read-only'],
  ] as const) {
    answerOf(bench, last);
    if (!isAlike(fields, fieldsOf(bench))) continue;
    const message =
      `its last step changes what '${name}' holds. Where ${why}, it does not, and the device is the same afterwards: no guest can tell. ` +
      'Look at what write() and flush() answer: change nothing, or keep that it failed, and tell the guest.';
    return { message, script };
  }
  return undefined;
}

const isAlike = (left: Fields, right: Fields | undefined): boolean =>
  right !== undefined && firstFieldDifference(left, right, isOfBackend) === undefined;

function imageOf(bench: TestBench<Device>, name: string): TestBlockBackend {
  return bench.backends.find(name) as TestBlockBackend;
}

export const imageChecks: readonly Check[] = [failsWithoutItsImage, knowsWhatIsNotStored];
