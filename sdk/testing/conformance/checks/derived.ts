import { hex } from '../../../base/text.ts';
import { MICROSECOND, MILLISECOND, SECOND } from '../../../clock/index.ts';
import { type Device, devicesIn, pinsOf, type RegisterDeclaration } from '../../../device/index.ts';
import { accessModels } from '../../../device/registers/access-model.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Random } from '../../random.ts';
import { fieldsOf, firstFieldDifference } from '../device-fields.ts';
import { answerOf, threwWhere } from '../differential.ts';
import type { ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';

/** Everything is compared around each evaluation, so programs are short. */
const Length = 60;
const MostRuns = 5;
/** What is derived from edges needs more of them. */
const RunsWithInputs = 20;
/** What runs over has to be counted up first, and to look costs little. */
const CountingRuns = 60;
const StepsOfLoop = 8;
const Pauses = [1 * MICROSECOND, 1 * MILLISECOND, 1 * SECOND];

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
      subject.layout.pins.length > 0 ? RunsWithInputs : Math.min(subject.runs, MostRuns),
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

/** What runs over is cut, so that no guest sees it, and the field shows something else than its author worked out. */
export const derivedFits: Check = {
  name: 'a derived register answers a number that fits into its fields',
  applies: ({ layout }) => layout.parts.some(({ metadata }) => metadata.registers.some(isDerived)),
  find(subject) {
    const reserved = new Map<RegisterDeclaration, bigint>();
    return subject.search(
      this.name,
      (random) => (random.oneIn(2) ? subject.script(random) : loop(subject, random)),
      (script) => {
        const bench = subject.bench();
        for (const [index, step] of script.entries()) {
          answerOf(bench, step);
          const misfit = misfitIn(bench.device, reserved);
          if (misfit !== undefined) return `after step ${index + 1} ${misfit}`;
        }
        return undefined;
      },
      Math.max(subject.runs, CountingRuns),
    );
  },
};

/** A few steps again and again, with time in between, as a driver does them: counters run over. */
function loop(subject: Subject, random: Random): readonly ScriptStep[] {
  const round = [...subject.script(random, StepsOfLoop), { kind: 'wait', nanoseconds: random.pick(Pauses) } as const];
  return Array.from({ length: Math.ceil(subject.length / round.length) }, () => round).flat();
}

const isDerived = ({ kind }: RegisterDeclaration): boolean => kind === 'derived';

/** `reserved` keeps the reserved bits of each register, which are worked out once. */
function misfitIn(outer: Device, reserved: Map<RegisterDeclaration, bigint>): string | undefined {
  for (const { name, device } of devicesIn(outer)) {
    for (const register of device.metadata.registers) {
      if (!isDerived(register)) continue;
      if (!reserved.has(register)) reserved.set(register, reservedBits(register));
      const value = (device as unknown as Readonly<Record<string, unknown>>)[register.member];
      // What is no number at all, or throws, is found by others.
      for (const one of typeof value === 'object' ? Array.from(value as ArrayLike<number | bigint>) : [value]) {
        const problem = misfitOf(register, one, reserved.get(register) as bigint);
        if (problem !== undefined) return `'${name === '' ? '' : `${name}.`}${register.member}' ${problem}`;
      }
    }
  }
  return undefined;
}

/** Bits of constant fields are never looked at. */
function reservedBits(register: RegisterDeclaration): bigint {
  const [{ masks }] = accessModels([register]) as [ReturnType<typeof accessModels>[number]];
  return masks.reserved & ~masks.fixed;
}

/** A negative number is its two's complement. */
function misfitOf({ width }: RegisterDeclaration, value: unknown, reserved: bigint): string | undefined {
  if (typeof value !== 'bigint' && !Number.isInteger(value)) return undefined;
  const whole = BigInt(value as number | bigint);
  if (whole !== BigInt.asUintN(width, whole) && whole !== BigInt.asIntN(width, whole))
    return `answers ${hex(whole)}, which is no value of ${width} bits. Cut it to its field.`;
  const beside = whole & reserved;
  return whole < 0n || beside === 0n
    ? undefined
    : `answers ${hex(whole)}, and ${hex(beside)} of it lies in reserved bits. Cut each number to its field.`;
}
