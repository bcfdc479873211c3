import { MILLISECOND } from '../../../clock/index.ts';
import type { Device } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Random } from '../../random.ts';
import type { Finding } from '../check.ts';
import { answerOf, pinsHigh } from '../differential.ts';
import type { ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';
import { bytesOf, type DataPlace, hasCharacters, isReceiver, placeOf, readAt } from './backends.ts';

/** Programs after which an interrupt of the receiver may be enabled. */
const Programs = 200;
const PrefixLength = 40;
/** More than a device takes at once. */
const Burst = 200;
const MostReads = 1000;
const wait: ScriptStep = { kind: 'wait', nanoseconds: 20 * MILLISECOND };
/** Until the device has nothing to say any more. */
const longWait: ScriptStep = { kind: 'wait', nanoseconds: 200 * MILLISECOND };

/** A driver that reads only while the device interrupts must not be left with bytes that wait. */
export const interruptsWhileBytesWait: Check = {
  name: 'an interrupt that bytes have raised comes again while more of them wait',
  applies: (subject) => hasCharacters(subject) && Object.keys(subject.bench().interrupts).length > 0,
  find(subject) {
    const place = placeOf(subject, this.name, isReceiver);
    if (place === undefined) return undefined;
    for (let program = 0; program < Programs; program++) {
      const random = subject.random(`${this.name}, interrupts`, program);
      const prefix = subject.script(random, PrefixLength).filter(({ kind }) => kind !== 'other-side');
      const found = leftAlone(subject, { ...place, prefix }, random);
      if (found !== undefined) return found;
    }
    return undefined;
  },
};

function leftAlone(subject: Subject, place: DataPlace, random: Random): Finding | undefined {
  const { backend, prefix, target } = place;
  const without = subject.after([...prefix, wait]);
  const sent = bytesOf(random, Burst);
  const arrivalOf = (bytes: readonly number[]): readonly ScriptStep[] => [{ kind: 'receive', backend, bytes }, wait];
  const script = [...prefix, wait, ...arrivalOf(sent)];
  const bench = subject.after(script);
  answerOf(without, wait);
  const raised = pinsHigh(bench).filter((pin) => !pinsHigh(without).includes(pin));
  for (const pin of raised) {
    const got: (number | undefined)[] = [];
    while (got.length < MostReads && comesAgain(bench, pin)) got.push(readAt(bench, target));
    if (got.length === 0 || got.length === MostReads) continue;
    const left = bench.backends.waitingIn(backend);
    const inside = left > 0 ? [] : restOf(bench, target, sent, got);
    if (left === 0 && !raises(subject, [...prefix, wait, ...arrivalOf(inside)], pin, inside.length)) continue;
    const reads = `The guest reads '${target.name}' while it is high, ${got.length} times, and then it stays low,`;
    const message =
      left > 0
        ? `although ${left} bytes wait. Keep it high while the receiver holds what it interrupts for.`
        : `although ${inside.length} bytes are in the device, and as many raise it when no others came before them. Raise it again for what is left.`;
    return { message: `${Burst} bytes arrive in '${backend}' and raise '${pin}'. ${reads} ${message}`, script };
  }
  return undefined;
}

/** What a guest still finds in the device, of bytes that it has read until here. */
function restOf(
  bench: TestBench<Device>,
  target: DataPlace['target'],
  sent: readonly number[],
  got: readonly (number | undefined)[],
): readonly number[] {
  const isInOrder = got.every((byte, index) => byte === sent[index]);
  let end = isInOrder ? got.length : sent.length;
  while (end < sent.length && readAt(bench, target) === sent[end]) end++;
  return isInOrder ? sent.slice(got.length, end) : [];
}

/** So many bytes raise the pin by themselves. */
const raises = (subject: Subject, script: readonly ScriptStep[], pin: string, count: number): boolean =>
  count > 0 && comesAgain(subject.after(script), pin);

/** It is high, or will be. */
function comesAgain(bench: TestBench<Device>, pin: string): boolean {
  for (const step of [wait, longWait]) {
    if (pinsHigh(bench).includes(pin)) return true;
    answerOf(bench, step);
  }
  return pinsHigh(bench).includes(pin);
}
