import { type Device, pinsOf } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import { fieldsOf, firstFieldDifference } from '../device-fields.ts';
import { answerOf, threwWhere } from '../differential.ts';
import type { ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';

/** Everything is compared around each evaluation, so programs are short. */
const Length = 60;
const MostRuns = 5;

/** What is derived follows from the state: to look at it changes nothing, and nothing but an event changes it. */
export const derivedIsPure: Check = {
  name: 'derived pins and registers change nothing when they are worked out, and derived pins are never late',
  applies: (subject) => derivedMembers(subject).length > 0 || derivedPins(subject.bench()).length > 0,
  find(subject) {
    const members = derivedMembers(subject);
    return subject.search(
      this.name,
      (random) => subject.script(random, Length, { resets: true }),
      (script) => problemOf(subject.bench(), members, script),
      Math.min(subject.runs, MostRuns),
    );
  },
};

function problemOf(
  bench: TestBench<Device>,
  members: readonly string[],
  script: readonly ScriptStep[],
): string | undefined {
  const pins = derivedPins(bench);
  let impure: string | undefined;
  /** Works something out, and compares what the device holds before and after. */
  const watched = <T>(what: string, body: () => T): T => {
    if (impure !== undefined) return body();
    const before = fieldsOf(bench);
    const answer = body();
    const changed = firstFieldDifference(before, fieldsOf(bench));
    if (changed !== undefined)
      impure = `${what} changes '${changed.path}' from ${changed.left} to ${changed.right}. Derive it without side effects.`;
    return answer;
  };
  for (const [name, pin] of pins) pin.watchDerivation((level) => watched(`working out pin '${name}'`, level));
  for (const [index, step] of script.entries()) {
    answerOf(bench, step);
    const late = pins.find(([, pin]) => pin.level !== pin.derived);
    if (late !== undefined && impure === undefined) {
      const [shown, derived] = late[1].level ? ['high', 'low'] : ['low', 'high'];
      return `after step ${index + 1} pin '${late[0]}' is ${shown}, and worked out now it is ${derived}. A derived pin depends on time: arm a timer for when it changes.`;
    }
    for (const member of members) {
      try {
        watched(`reading '${member}'`, () => (bench.device as unknown as Record<string, unknown>)[member]);
      } catch (error) {
        return `after step ${index + 1} derived register '${member}' ${threwWhere(error)}`;
      }
    }
    if (impure !== undefined) return `after step ${index + 1} ${impure}`;
  }
  return undefined;
}

const derivedMembers = ({ metadata }: Subject): readonly string[] =>
  metadata.registers.filter(({ kind }) => kind === 'derived').map(({ member }) => member);

const derivedPins = ({ device }: TestBench<Device>) => [...pinsOf(device)].filter(([, { isDerived }]) => isDerived);
