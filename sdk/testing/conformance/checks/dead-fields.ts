import { maskOf } from '../../../base/bits.ts';
import { joined } from '../../../base/text.ts';
import type { Device, FieldDeclaration, RegisterDeclaration } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Random } from '../../random.ts';
import { valueAt } from '../device-fields.ts';
import { answerOf, endsDifferently } from '../differential.ts';
import { type Layout, legalWidths, type Target } from '../layout.ts';
import { selectionOf, writeStep } from '../random-script.ts';
import { type AccessWidth, pinsText, type ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';

/** Programs after which bits that made no difference count as dead. */
const MostPrograms = 500;
const StepsBefore = 60;
const StepsAfter = 150;

/** Bits that the guest sets and the device is to obey. */
interface Choice {
  /** By path: `channels[1].control` of a device inside. */
  readonly register: string;
  /** Undefined of a register without fields. */
  readonly field?: string;
  readonly target: Target;
  readonly bits: bigint;
}

/**
 * Finds an enable bit that enables nothing. Two devices get the same program but for these bits: in some program they
 * must differ. Bits that are only stored are `unimplemented`.
 */
export const everyFieldMatters: Check = {
  name: 'what the guest writes into a field makes a difference somewhere',
  applies: (subject) => choicesOf(subject).length > 0,
  find(subject) {
    const dead = choicesOf(subject).filter((choice) => !matters(subject, this.name, choice));
    if (dead.length === 0) return undefined;
    const [it, is] = dead.length > 1 ? ['them', 'they are'] : ['it', 'it is'];
    const message =
      `${named(dead)} can be written, and nothing else ever depends on ${it}. If the device is to obey ${it}, let it; if ` +
      `${is} not modelled, declare ${it} 'unimplemented'; if only certain steps of a driver show ${it}, show them in idioms, ` +
      `or name ${it} in notExercised.`;
    return { message, script: [] };
  },
};

function choicesOf({ layout, notExercised, metadata }: Subject): Choice[] {
  // An index register matters by definition, or the field of it that is the index.
  const choosing = metadata.registers.flatMap(({ indexedBy }) => (indexedBy === undefined ? [] : [indexedBy]));
  const isIndex = ({ member }: RegisterDeclaration, field?: FieldDeclaration): boolean =>
    choosing.some(
      ({ indexMember, low, high }) =>
        indexMember === member && (field === undefined || (field.low === low && field.high === high)),
    );
  return layout.targets.flatMap((target): Choice[] => {
    const { register, element } = target;
    if (register === undefined || element > 0) return [];
    const path = pathOf(layout, target, register);
    if (notExercised(path)) return [];
    if (!legalWidths(target.region, target.offset).some((width) => width === target.length)) return [];
    const whole = (1n << BigInt(register.width)) - 1n;
    if (register.fields.length === 0)
      return (isWritten(register) || isHooked(register)) && !isIndex(register)
        ? [{ register: path, target, bits: whole }]
        : [];
    return register.fields
      .filter((field) => isChosen(field) && !isIndex(register, field))
      .filter((field) => !notExercised(`${path}.${field.name}`))
      .map((field) => ({ register: path, field: field.name, target, bits: maskOf(field) }));
  });
}

/** Where the device, or a device inside, holds the register. */
function pathOf({ parts }: Layout, target: Target, register: RegisterDeclaration): string {
  const part = parts.find((one) => one.targetOf(register, target.element) === target);
  return part === undefined || part.name === '' ? register.member : `${part.name}.${register.member}`;
}

/** Fields of one register are named together. */
function named(choices: readonly Choice[]): string {
  const registers = [...new Set(choices.map(({ register }) => register))];
  const words = registers.map((name) => {
    const fields = choices.flatMap(({ register, field }) => (register === name && field ? [`'${field}'`] : []));
    if (fields.length === 0) return `register '${name}'`;
    return `${fields.length > 1 ? 'fields' : 'field'} ${joined(fields, 'and')} of '${name}'`;
  });
  return joined(words, 'and');
}

/** A whole read-write register may be a scratch register; a field has a meaning. */
const isChosen = ({ access }: FieldDeclaration): boolean => isWritten({ access }) || access === 'read-write';
const isWritten = ({ access }: Pick<FieldDeclaration, 'access'>): boolean =>
  access === 'write-only' || access === 'trigger';
/** What a hook looks at is no scratch register. */
const isHooked = ({ access, writeHook, kind }: RegisterDeclaration): boolean =>
  access === 'read-write' && kind === 'stored' && writeHook !== undefined;

function matters(subject: Subject, check: string, { register, field, target, bits }: Choice): boolean {
  const name = field === undefined ? `'${register}'` : `'${register}', field '${field}',`;
  for (let program = 0; program < MostPrograms; program++) {
    const random = subject.random(`${check} ${name}`, program);
    if (makesDifference(subject, random, register, target, bits)) return true;
  }
  return false;
}

/** The same program on two devices but for one write, of which some bits differ. */
function makesDifference(subject: Subject, random: Random, path: string, target: Target, bits: bigint): boolean {
  const begin = [...subject.script(random, 1 + random.below(StepsBefore)), ...selectionOf(target)];
  const [left, right] = [subject.after(begin), subject.after(begin)];
  // Beside a field some bit is always set, any of them: the field makes the difference, not a register of zero.
  const isWhole = target.register?.fields.length === 0;
  const beside = isWhole ? 0n : ~bits & writableOf(target);
  const some = beside & random.bits64() || beside;
  const value = beside === 0n ? random.pick([random.bits64(), 0n]) : random.bits64() | (some & -some);
  const flipped = random.bits64() & bits || bits;
  const size = target.length as AccessWidth;
  const answer = answerOf(left, writeStep(target, 0, size, value));
  // A doorbell register acts on the write, whatever its value.
  const isLeftOut = isWhole && target.register?.access !== 'read-write' && random.oneIn(2);
  const other = isLeftOut ? pinsText(right) : answerOf(right, writeStep(target, 0, size, value ^ flipped));
  if (answer !== other) return true;
  // A value that is written again before the device looks at it makes no difference, so half of the programs leave it.
  const leavesIt = random.oneIn(2);
  for (const step of subject.script(random, StepsAfter)) {
    if (leavesIt && step.kind === 'write' && overlaps(target, step)) continue;
    if (answerOf(left, step) !== answerOf(right, step) && !touches(target, step)) return true;
  }
  if (
    isWhole &&
    isHooked(target.register as RegisterDeclaration) &&
    isWorkedOut(left, right, path, BigInt.asUintN(8 * size, value))
  )
    return true;
  return endsDifferently(left, right, path);
}

/** A hook may make something else of what is written, in the register itself, as of a number its factorial. */
function isWorkedOut(left: TestBench<Device>, right: TestBench<Device>, path: string, written: bigint): boolean {
  const [one, other] = [left, right].map(({ device }) => {
    const held = valueAt(device, path);
    return BigInt((ArrayBuffer.isView(held) ? (held as unknown as ArrayLike<number>)[0] : held) as number | bigint);
  });
  return one !== other && one !== written;
}

const writableOf = ({ register }: Target): bigint =>
  (register?.fields ?? []).filter(isChosen).reduce((sum, field) => sum | maskOf(field), 0n);

/** What the register itself reads is no effect. */
const touches = (target: Target, step: ScriptStep): boolean => step.kind === 'read' && overlaps(target, step);

const overlaps = (
  { space, address, length }: Target,
  step: ScriptStep & { readonly kind: 'read' | 'write' },
): boolean => step.space === space && step.address < address + length && address < step.address + step.size;
