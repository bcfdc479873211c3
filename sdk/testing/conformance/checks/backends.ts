import { hex } from '../../../base/text.ts';
import { MICROSECOND, MILLISECOND } from '../../../clock/index.ts';
import { type Device, loadDevice, timersOf } from '../../../device/index.ts';
import { TestCharBackend } from '../../bench/test-backends.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Random } from '../../random.ts';
import { answerOf, savedAsText } from '../differential.ts';
import { legalWidths, type Target } from '../layout.ts';
import { selectionOf, writeStep } from '../random-script.ts';
import { act, OutOfTime, type ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';

export const hasCharacters = ({ layout }: Subject): boolean => layout.backends.characters.length > 0;

/** A device that has made room takes what waits: otherwise the line stands still until the next byte comes. */
const takesWhatItCan: Check = {
  name: 'it takes what has arrived as soon as it has room',
  applies: hasCharacters,
  find(subject) {
    return subject.search(
      this.name,
      (random) => withMore(subject, random),
      (script) => {
        const bench = subject.bench();
        for (const [index, step] of script.entries()) {
          answerOf(bench, step);
          const late = takenLate(subject, bench, script.slice(0, index + 1));
          if (late === undefined) continue;
          return (
            `after step ${index + 1} bytes wait in '${late}', and it takes some of them only when it is notified once more. ` +
            'Call read() in onReceive until -1 or until it is full, and again wherever room appears.'
          );
        }
        return undefined;
      },
    );
  },
};

/** More bytes wait now and then than a guest reads soon, so that each step that makes room shows. */
function withMore(subject: Subject, random: Random): readonly ScriptStep[] {
  const script = subject.script(random);
  if (random.oneIn(2)) return script;
  const backend = random.pick(subject.layout.backends.characters);
  return script.toSpliced(random.below(script.length), 0, { kind: 'receive', backend, bytes: bytesOf(random, Burst) });
}

/** The option whose bytes the device takes when it is notified of them once more: at once, or after a delay that begins then. */
function takenLate(subject: Subject, bench: TestBench<Device>, done: readonly ScriptStep[]): string | undefined {
  const { characters } = subject.layout.backends;
  if (!characters.some((name) => bench.backends.waitingIn(name) > 0)) return undefined;
  const before = deadlinesOf(bench);
  const late = bench.backends.takesLate();
  if (late !== undefined || deadlinesOf(bench) === before) return late;
  const [calm, notified] = [subject.after(done), subject.after(done)];
  notified.backends.takesLate();
  for (const one of [calm, notified]) answerOf(one, { kind: 'wait', nanoseconds: 20 * MILLISECOND });
  return characters.find((name) => notified.backends.waitingIn(name) < calm.backends.waitingIn(name));
}

const deadlinesOf = ({ device }: TestBench<Device>): string =>
  [...timersOf(device).values()].map(({ deadline }) => deadline).join(' ');

/** Programs tried to bring a device into a state in which it receives or sends. */
const Prefixes = 24;
const PrefixLength = 40;
/** Bytes that show which place of the device the data are at. */
const Probes = 5;
const Burst = 200;
const MostReads = 4000;
const Patience = [100 * MICROSECOND, 1 * MILLISECOND, 20 * MILLISECOND, 200 * MILLISECOND];

/** A place of the device where data pass, and a program after which they do. */
export interface DataPlace {
  readonly backend: string;
  readonly target: Target;
  readonly prefix: readonly ScriptStep[];
}

/** Bytes that arrive are read once each, in order, however many come at once: none is lost where a buffer is full. */
const readsEachByte: Check = {
  name: 'each byte that arrives is read, in the order of their arrival',
  applies: hasCharacters,
  find(subject) {
    const place = placeOf(subject, this.name, isReceiver);
    if (place === undefined) return undefined;
    const random = subject.random(this.name);
    const sent = bytesOf(random, Burst);
    const bench = subject.after(place.prefix);
    const { backend } = place;
    answerOf(bench, { kind: 'receive', backend, bytes: sent });
    let missing = 0;
    for (let reads = 0, waits = 0; missing < sent.length && reads < MostReads; reads++) {
      if (readAt(bench, place.target) === sent[missing]) {
        missing++;
        waits = 0;
      } else if (waits < Patience.length) answerOf(bench, { kind: 'wait', nanoseconds: Patience[waits++] as number });
      else break;
    }
    if (missing === sent.length) return undefined;
    const message =
      `${Burst} bytes arrive in '${backend}' at once, and the guest reads '${place.target.name}' until nothing new comes: byte ` +
      `${missing + 1}, ${hex(sent[missing] as number)}, is never read, or too late. Call read() only while there is room, keep the order, and ` +
      'go on when the guest has taken one.';
    return { message, script: [...place.prefix, { kind: 'receive', backend, bytes: sent }] };
  },
};

/** What the guest writes while the other side does not read leaves when that goes on. */
const writesEachByte: Check = {
  name: 'each byte that it sends leaves once, in order, also after the other side has stopped and the device was saved',
  applies: hasCharacters,
  find(subject) {
    const place = placeOf(subject, this.name, isSender);
    if (place === undefined) return undefined;
    const random = subject.random(this.name);
    const script: ScriptStep[] = [...place.prefix];
    let bench = subject.after(script);
    for (const byte of bytesOf(random, Burst / 2)) {
      const stops = random.oneIn(3);
      const steps = stepsOfSend(place, byte, stops, random);
      for (const step of steps) {
        script.push(step);
        if (step.kind === 'restore') bench = successorOf(subject, bench);
        else if (step.kind === 'write') void quietly(() => act(bench, step));
        else answerWithout(bench, step);
      }
      const got = outputOf(bench, place.backend);
      if (got.length === 1 && got[0] === byte) continue;
      const came = got.length === 0 ? 'nothing leaves' : `${[...got].map((one) => hex(one)).join(' ')} leaves`;
      const message =
        `${hex(byte)} is written to '${place.target.name}'${stops ? ' while the other side does not read' : ''}, and ${came}. Where ` +
        'write() answers false, keep the byte, and send it in onWritable; what is kept is state.';
      return { message, script };
    }
    return undefined;
  },
};

/** A device without a back end goes on as if its line were cut. */
const worksAlone: Check = {
  name: 'without a back end it does not throw',
  applies: ({ layout: { backends } }) => backends.characters.length + backends.blocks.length > 0,
  find(subject) {
    return subject.search(
      this.name,
      (random) => subject.script(random, subject.length, { hostile: true, resets: true, settled: true }),
      (script) => {
        const bench = subject.bench({ backends: false });
        for (const step of script) act(bench, step);
        return undefined;
      },
    );
  },
};

/** The first place where data pass, after no program or after a random one. */
export function placeOf(
  subject: Subject,
  check: string,
  passes: (subject: Subject, place: DataPlace, random: Random) => boolean,
): DataPlace | undefined {
  for (let program = 0; program < Prefixes; program++) {
    const random = subject.random(`${check}, the place`, program);
    const prefix =
      program === 0 ? [] : subject.script(random, PrefixLength).filter(({ kind }) => kind !== 'other-side');
    for (const backend of subject.layout.backends.characters) {
      for (const target of subject.layout.targets) {
        const place = { backend, target, prefix };
        if (passes(subject, place, random)) return place;
      }
    }
  }
  return undefined;
}

/** What arrives is what a read of the place answers. */
export function isReceiver(subject: Subject, { backend, target, prefix }: DataPlace, random: Random): boolean {
  const bench = subject.after(prefix);
  return bytesOf(random, Probes).every((byte) => {
    answerOf(bench, { kind: 'receive', backend, bytes: [byte] });
    answerOf(bench, { kind: 'wait', nanoseconds: 20 * MILLISECOND });
    return readAt(bench, target) === byte;
  });
}

/** What is written there leaves, be it twice. */
function isSender(subject: Subject, place: DataPlace, random: Random): boolean {
  const bench = subject.after(place.prefix);
  return bytesOf(random, Probes).every((byte) => {
    outputOf(bench, place.backend);
    for (const step of stepsOfSend(place, byte, false, random)) void quietly(() => act(bench, step));
    const got = outputOf(bench, place.backend);
    return got.length > 0 && got.every((one) => one === byte);
  });
}

function stepsOfSend({ backend, target }: DataPlace, byte: number, stops: boolean, random: Random): ScriptStep[] {
  const size = legalWidths(target.region, target.offset)[0] ?? 1;
  const side = (does: 'stop' | 'go'): ScriptStep => ({ kind: 'other-side', backend, does });
  const wait: ScriptStep = { kind: 'wait', nanoseconds: 20 * MILLISECOND };
  const restore: readonly ScriptStep[] = stops && random.oneIn(2) ? [{ kind: 'restore' }] : [];
  const write = [...selectionOf(target), writeStep(target, 0, size, byte)];
  return stops ? [side('stop'), ...write, wait, ...restore, side('go'), wait] : [...write, wait];
}

/** A new device that was restored from the old one, with the same on the other sides. */
export function successorOf(subject: Subject, old: TestBench<Device>): TestBench<Device> {
  const bench = subject.bench();
  bench.clock.set(old.clock.now, old.clock.epoch);
  bench.loadServices(old.saveServices());
  bench.backends.load(old.backends.save());
  bench.backends.restoring(() => loadDevice(bench.device, savedAsText(old.device)));
  return bench;
}

export function readAt(bench: TestBench<Device>, target: Target): number | undefined {
  const size = legalWidths(target.region, target.offset)[0] ?? 1;
  for (const step of selectionOf(target)) act(bench, step);
  const { space, address } = target;
  const value = quietly(() => act(bench, { kind: 'read', space, address, size }));
  return value === undefined ? undefined : Number(BigInt(value) & 0xffn);
}

/** What has left since it was asked last. */
export function outputOf(bench: TestBench<Device>, backend: string): Uint8Array {
  const side = bench.backends.find(backend);
  if (!(side instanceof TestCharBackend)) return new Uint8Array(0);
  const { bytes } = side;
  side.clear();
  return bytes;
}

/** Does a step, and leaves what has left to be looked at. */
function answerWithout(bench: TestBench<Device>, step: ScriptStep): void {
  quietly(() => act(bench, step));
}

/** What a device throws is found by other checks. */
export function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof OutOfTime) throw error;
    return undefined;
  }
}

/** Bytes that frames of five bits carry, that are never zero or ones, and never twice the same in a row. */
export function bytesOf(random: Random, count: number): number[] {
  const bytes: number[] = [];
  while (bytes.length < count) {
    const byte = 1 + random.below(30);
    if (byte !== bytes.at(-1)) bytes.push(byte);
  }
  return bytes;
}

export const backendChecks: readonly Check[] = [worksAlone, takesWhatItCan, readsEachByte, writesEachByte];
