import { MILLISECOND } from '../../../clock/index.ts';
import type { Device } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Random } from '../../random.ts';
import type { Finding } from '../check.ts';
import { answerOf } from '../differential.ts';
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
  const arrival: readonly ScriptStep[] = [{ kind: 'receive', backend, bytes: bytesOf(random, Burst) }, wait];
  const bench = subject.after([...prefix, wait, ...arrival]);
  answerOf(without, wait);
  const raised = high(bench).filter((pin) => !high(without).includes(pin));
  for (const pin of raised) {
    let reads = 0;
    while (reads < MostReads && comesAgain(bench, pin)) {
      readAt(bench, target);
      reads++;
    }
    const left = bench.backends.waitingIn(backend);
    if (reads === 0 || reads === MostReads || left === 0) continue;
    const message =
      `${Burst} bytes arrive in '${backend}' and raise '${pin}'. The guest reads '${target.name}' while it is high, ${reads} times, and then it ` +
      `stays low, although ${left} bytes wait. Keep it high while the receiver holds what it interrupts for.`;
    return { message, script: [...prefix, wait, ...arrival] };
  }
  return undefined;
}

/** It is high, or will be. */
function comesAgain(bench: TestBench<Device>, pin: string): boolean {
  for (const step of [wait, longWait]) {
    if (high(bench).includes(pin)) return true;
    answerOf(bench, step);
  }
  return high(bench).includes(pin);
}

function high(bench: TestBench<Device>): string[] {
  const pins = bench.interrupts as Readonly<Record<string, { readonly level: boolean }>>;
  return Object.keys(pins).filter((name) => pins[name]?.level === true);
}
