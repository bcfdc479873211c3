import { type Device, pinsOf, type RegisterAccess, type RegisterDeclaration } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import { valueAt } from '../device-fields.ts';
import { answerOf } from '../differential.ts';
import type { Check, Subject } from '../subject.ts';

const Programs = 40;
/** So often each of the cases must have been seen. */
const EnoughLooks = 20;

/** What was seen of a pin and of two statuses. */
interface Suspicion {
  readonly pin: string;
  readonly raw: string;
  readonly masked: string;
  /** The pin was high, with the masked status; with the raw one alone; and low. */
  both: number;
  rawAlone: number;
  low: number;
}

/**
 * Finds an interrupt that its mask does not stop. The pin is high exactly while one status is not zero, and another register is
 * that status with bits masked out of it.
 */
export const pinsFollowTheMaskedStatus: Check = {
  name: 'no pin follows a status that another register shows masked',
  applies: (subject) => statuses(subject).length > 1 && pinsOf(subject.bench().device).size > 0,
  find(subject) {
    let left = suspicionsOf(subject);
    for (let program = 0; program < Programs && left.length > 0; program++) {
      const bench = subject.bench();
      for (const step of subject.script(subject.random(this.name, program))) {
        answerOf(bench, step);
        left = left.filter((one) => isConfirmed(bench, one));
      }
    }
    const sure = left.find(({ both, rawAlone, low }) => Math.min(both, rawAlone, low) >= EnoughLooks);
    if (sure === undefined) return undefined;
    const { pin, raw, masked } = sure;
    const message =
      `pin '${pin}' is high exactly while '${raw}' is not zero, also while '${masked}', which never shows more than a part of it, ` +
      `is zero. Let it follow '${masked}', or name the pin in notExercised.`;
    return { message, script: [] };
  },
};

const ReadOnly: readonly RegisterAccess[] = ['read-only', 'write-one-to-clear', 'read-to-clear'];

/** Registers that the device alone moves, of one width each. */
const statuses = ({ metadata }: Subject): readonly RegisterDeclaration[] =>
  metadata.registers.filter(
    ({ kind, fields, access, count, width }) =>
      kind !== 'trigger' && count === undefined && width <= 32 && fields.length === 0 && ReadOnly.includes(access),
  );

function suspicionsOf(subject: Subject): readonly Suspicion[] {
  const pins = [...pinsOf(subject.bench().device).keys()].filter((name) => !subject.notExercised(name));
  const all = statuses(subject);
  return pins.flatMap((pin) =>
    all.flatMap((raw) =>
      all
        .filter((masked) => masked !== raw && masked.width === raw.width)
        .map((masked) => ({ pin, raw: raw.member, masked: masked.member, both: 0, rawAlone: 0, low: 0 })),
    ),
  );
}

/** Counts what is there now. False where it speaks against the suspicion. */
function isConfirmed({ device }: TestBench<Device>, one: Suspicion): boolean {
  const [raw, masked] = [Number(valueAt(device, one.raw)), Number(valueAt(device, one.masked))];
  const isHigh = pinsOf(device).get(one.pin)?.level === true;
  if (isHigh !== (raw !== 0) || (masked & ~raw) !== 0) return false;
  one[!isHigh ? 'low' : masked === 0 ? 'rawAlone' : 'both']++;
  return true;
}
