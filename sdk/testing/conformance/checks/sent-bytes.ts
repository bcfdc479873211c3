import { hex } from '../../../base/text.ts';
import { MILLISECOND } from '../../../clock/index.ts';
import type { Device } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Finding } from '../check.ts';
import { answerOf, pinsHigh } from '../differential.ts';
import { legalWidths } from '../layout.ts';
import { type Answer, act, type ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';
import { hasCharacters, outputOf, quietly } from './backends.ts';

/** Programs in which something may be sent, and what is looked at of them. */
const Programs = 16;
const Length = 60;
const MostSenders = 6;
const SendersOfProgram = 2;
/** Writes before something leaves, one of which may have sent it; and how many are tried. */
const [Writes, Tries] = [4, 8];
/** Steps of a driver that send one byte: data, and a strobe that rises. */
const LongestSend = 3;
/** Deadlines until a byte has left. */
const MostDeadlines = 40;
const wait: ScriptStep = { kind: 'wait', nanoseconds: 20 * MILLISECOND };

/** A program, and a few steps after it that send a byte each time they are done. */
interface Sender {
  readonly backend: string;
  readonly prefix: readonly ScriptStep[];
  readonly send: readonly ScriptStep[];
}

const known = new WeakMap<Subject, readonly Sender[]>();

function sendersOf(subject: Subject): readonly Sender[] {
  const found = known.get(subject) ?? findSenders(subject);
  known.set(subject, found);
  return found;
}

function findSenders(subject: Subject): readonly Sender[] {
  const found: Sender[] = [];
  for (let program = 0; program < Programs && found.length < MostSenders; program++) {
    const script = subject
      .script(subject.random('what sends a byte', program), Length)
      .filter(({ kind }) => kind !== 'other-side');
    found.push(...sendersIn(subject, script).slice(0, SendersOfProgram));
  }
  return found;
}

/** Of the steps before something leaves, from the end of the program on: there the device is set up best. */
function sendersIn(subject: Subject, script: readonly ScriptStep[]): Sender[] {
  const bench = subject.bench();
  const senders: Sender[] = [];
  const candidates = new Map<number, string>();
  let written: readonly number[] = [];
  for (const [index, step] of script.entries()) {
    if (step.kind === 'write' || step.kind === 'transfer') written = [...written, index].slice(-Writes);
    quietly(() => act(bench, step));
    for (const backend of subject.layout.backends.characters)
      if (outputOf(bench, backend).length > 0) for (const at of written) candidates.set(at, backend);
  }
  const tried = [...candidates].sort(([one], [other]) => other - one).slice(0, Tries);
  for (const [at, backend] of tried) {
    const prefix = [...script.slice(0, at + 1), wait, ...looksAt(subject), wait];
    const sends = Array.from({ length: LongestSend }, (_, more) => script.slice(Math.max(0, at - more), at + 1));
    const send = sends.find((one) => sendsTwice(subject, { backend, prefix, send: one }));
    if (send !== undefined) senders.push({ backend, prefix, send });
    if (senders.length === SendersOfProgram) break;
  }
  return senders;
}

function sendsTwice(subject: Subject, { backend, prefix, send }: Sender): boolean {
  const bench = after(subject, prefix, backend);
  return [1, 2].every(() => doneBy(bench, backend, [...send, wait]).length === 1);
}

/** What tells the guest that a byte has left must not say so while the other side has not taken it. */
const reportsWhatHasLeft: Check = {
  name: 'what tells the guest that a byte has left does not say so before the other side takes it',
  applies: hasCharacters,
  find: (subject) => firstOf(subject, reportedTooEarly),
};

function reportedTooEarly(subject: Subject, { backend, prefix, send }: Sender): Finding | undefined {
  const time = timeUntilItLeaves(subject, { backend, prefix, send });
  if (time === undefined) return undefined;
  const looks = looksAt(subject);
  const seen = (steps: readonly ScriptStep[], nanoseconds: number): readonly Answer[] => {
    const bench = subject.after([...prefix, ...steps, ...send, { kind: 'wait', nanoseconds }]);
    outputOf(bench, backend);
    // Without the pins: an interrupt that comes in time does not make up for a status that does not.
    return looks.map((look) => answerOf(bench, look).trim().split(' ')[0] ?? '');
  };
  const [before, left] = [seen([], time - 1), seen([], time)];
  const telling = looks.flatMap((_, index) => (before[index] === left[index] ? [] : [index]));
  if (telling.length === 0) return undefined;
  const stopped = seen([otherSide(backend, 'stop')], time);
  if (telling.some((index) => stopped[index] !== left[index])) return undefined;
  const [first = 0] = telling;
  const look = looks[first] as (typeof looks)[number];
  const place = subject.layout.nameAt(look.space, look.address) ?? hex(look.address);
  const message =
    `a byte is on its way, and '${place}' answers ${before[first]}; when it has left it answers ${left[first]}. It answers that too ` +
    `where the other side of '${backend}' does not take the byte. Where write() answers false, the byte has not left.`;
  return {
    message,
    script: [...prefix, otherSide(backend, 'stop'), ...send, { kind: 'wait', nanoseconds: time }, look],
  };
}

/** Undefined where it leaves at once, or not at all. */
function timeUntilItLeaves(subject: Subject, { backend, prefix, send }: Sender): number | undefined {
  const bench = after(subject, prefix, backend);
  if (doneBy(bench, backend, send).length > 0) return undefined;
  const begun = bench.clock.now;
  for (let deadlines = 0; deadlines < MostDeadlines; deadlines++) {
    const nanoseconds = bench.clock.nextDeadline() - bench.clock.now;
    if (!Number.isFinite(nanoseconds)) return undefined;
    if (doneBy(bench, backend, [{ kind: 'wait', nanoseconds }]).length > 0) return bench.clock.now - begun;
  }
  return undefined;
}

/** A driver that sends one byte for each interrupt loses none. */
const asksInTime: Check = {
  name: 'a byte that the guest sends for an interrupt is not lost while the other side does not read',
  applies: (subject) => hasCharacters(subject) && Object.keys(subject.bench().interrupts).length > 0,
  find: (subject) => firstOf(subject, askedTooEarly),
};

function askedTooEarly(subject: Subject, { backend, prefix, send }: Sender): Finding | undefined {
  const free = after(subject, prefix, backend);
  const raised = raisedBy(free, backend, [...send, wait]);
  if (raised.length === 0) return undefined;
  const stop = otherSide(backend, 'stop');
  const stopped = after(subject, [...prefix, stop], backend);
  const early = raisedBy(stopped, backend, [...send, wait]);
  const pin = raised.find((one) => early.includes(one));
  if (pin === undefined) return undefined;
  const then = [...send, wait, otherSide(backend, 'go'), wait, wait];
  const got = doneBy(stopped, backend, then);
  if (got.length >= 2) return undefined;
  const message =
    `a byte is sent while the other side of '${backend}' does not read, and '${pin}' is raised, as where the byte has left. For that the ` +
    `guest sends another one, and of the two ${got.length} leave when the other side goes on. Where write() answers false, raise it later.`;
  return { message, script: [...prefix, stop, ...send, wait, ...then] };
}

/** The pins that rise while these steps are done, and are high afterwards. */
function raisedBy(bench: TestBench<Device>, backend: string, steps: readonly ScriptStep[]): readonly string[] {
  const recorders = bench.interrupts as Readonly<Record<string, { readonly rises: number }>>;
  const before = new Map(Object.entries(recorders).map(([name, { rises }]) => [name, rises]));
  doneBy(bench, backend, steps);
  return pinsHigh(bench).filter((name) => recorders[name]?.rises !== before.get(name));
}

/** Without another side bytes are dropped: nothing of them may be left that holds up those for the next one. */
const goesOnAfterAnAbsence: Check = {
  name: 'what it sends while the other side is away does not hold up what it sends afterwards',
  applies: hasCharacters,
  find: (subject) => firstOf(subject, heldUp),
};

function heldUp(subject: Subject, { backend, prefix, send }: Sender): Finding | undefined {
  const [stop, close, open] = (['stop', 'close', 'open'] as const).map((does) => otherSide(backend, does));
  const arrives = (away: readonly ScriptStep[]): boolean =>
    doneBy(after(subject, [...prefix, ...away], backend), backend, [...send, wait]).length > 0;
  const absences = [
    [close, ...send, wait, open, wait],
    [stop, ...send, wait, close, wait, open, wait],
  ] as readonly ScriptStep[][];
  const away = absences.find((absence) => !arrives(absence));
  if (away === undefined || !arrives([close, wait, open, wait] as ScriptStep[])) return undefined;
  const message =
    `the other side of '${backend}' goes, and comes again. What is sent then does not leave, because something was sent before that it did ` +
    'not take. Without another side write() answers true and drops the byte: do not wait for one, or connect onOpen.';
  return { message, script: [...prefix, ...away, ...send, wait] };
}

function firstOf(
  subject: Subject,
  look: (subject: Subject, sender: Sender) => Finding | undefined,
): Finding | undefined {
  for (const sender of sendersOf(subject)) {
    const found = look(subject, sender);
    if (found !== undefined) return found;
  }
  return undefined;
}

const otherSide = (backend: string, does: 'stop' | 'go' | 'open' | 'close'): ScriptStep => ({
  ...{ kind: 'other-side', backend, does },
});

/** A read of each place that can be read without a write before it. */
function looksAt({ layout }: Subject): readonly (ScriptStep & { kind: 'read' })[] {
  return layout.targets.flatMap(({ address, offset, region, selectedBy, space }) => {
    const [size = 1] = legalWidths(region, offset);
    return selectedBy === undefined ? [{ kind: 'read', space, address, size }] : [];
  });
}

/** A new device after a program; what has left by then does not count. */
function after(subject: Subject, script: readonly ScriptStep[], backend: string): TestBench<Device> {
  const bench = subject.after(script);
  outputOf(bench, backend);
  return bench;
}

/** What leaves while these steps are done. */
function doneBy(bench: TestBench<Device>, backend: string, steps: readonly ScriptStep[]): Uint8Array {
  const parts = steps.flatMap((step) => {
    quietly(() => act(bench, step));
    return [...outputOf(bench, backend)];
  });
  return Uint8Array.from(parts);
}

export const sentByteChecks: readonly Check[] = [reportsWhatHasLeft, asksInTime, goesOnAfterAnAbsence];
