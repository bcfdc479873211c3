import { hex } from '../../../base/text.ts';
import type { Device } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Random } from '../../random.ts';
import { fieldsOf, firstFieldDifference } from '../device-fields.ts';
import { answerOf, difference } from '../differential.ts';
import { legalWidths } from '../layout.ts';
import {
  type Cell,
  type Expected,
  hasHook,
  inRegister,
  isExpected,
  type ModelField,
  RegisterModel,
  Unwritable,
} from '../register-model.ts';
import { act, perform, type ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';

const hasRegisters = ({ layout }: Subject): boolean =>
  layout.parts.some(({ metadata }) => metadata.registers.length > 0);
/** Only the field that is wrong is shown, as its own number. */
function show(value: bigint, { bits }: { readonly bits: bigint }): string {
  const low = BigInt.asUintN(64, bits & -bits);
  return hex((value & bits) / low);
}

const randomSteps = (subject: Subject) => (random: Random) => subject.script(random);

/** Follows a random program access by access, with the declaration in hand. */
const obeysItsModes: Check = {
  name: 'every access does to the registers what their declaration says, bit by bit, at every width',
  applies: hasRegisters,
  find(subject) {
    const model = new RegisterModel(subject.layout);
    const causes = new Set(model.cells.flatMap((cell) => clearable(model, cell)));
    const look = (script: readonly ScriptStep[]): string | undefined => {
      const bench = subject.bench();
      for (const [index, step] of script.entries()) {
        if (step.kind !== 'read' && step.kind !== 'write') {
          answerOf(bench, step);
          continue;
        }
        const wrong = misbehaviour(model, bench, step, causes);
        if (wrong !== undefined) return `step ${index + 1}: ${wrong}`;
      }
      return undefined;
    };
    // Goes on until each bit that a one clears was set when a one was written.
    return subject.search(this.name, randomSteps(subject), look, subject.runs, () => causes.size > 0);
  },
};

type Access = ScriptStep & { readonly kind: 'read' | 'write' };

/** Bits that a written one clears, by name. */
function clearable(model: RegisterModel, { name, register }: Cell): readonly string[] {
  const fields = model.fieldsOf(register).filter(({ access }) => access === 'write-one-to-clear');
  return fields.map((field) => `${name}.${field.name}`);
}

/** What one access did that its declaration does not say. */
function misbehaviour(
  model: RegisterModel,
  bench: TestBench<Device>,
  step: Access,
  causes: Set<string>,
): string | undefined {
  const before = model.held(bench.device);
  const reached = model.reached(step, before);
  const answer = act(bench, step);
  const after = model.held(bench.device);
  if (reached === undefined || reached.size === 0) return undefined;
  const isWrite = step.kind === 'write';
  const cells = [...reached].map(([number, reach]) => ({ number, reach, cell: model.cells[number] as Cell }));
  const hooked = cells.filter(({ cell }) => hasHook(cell.register, isWrite));
  for (const { number, reach, cell } of cells) {
    const [then, now] = [before[number] as bigint, after[number] as bigint];
    const besideHook = hooked.some((other) => other.number !== number);
    if (isWrite) {
      for (const { name, bits } of model.fieldsOf(cell.register)) {
        if ((then & bits & reach.mask & inRegister(step.value, reach)) !== 0n) causes.delete(`${cell.name}.${name}`);
      }
      const written = inRegister(step.value, reach);
      const wrong = model
        .afterWrite(cell, then, written, reach.writeMask, besideHook)
        .find((field) => !isExpected(field, now));
      if (wrong !== undefined) return unexpected(cell, wrong, now);
    } else if (hooked.length === 0) {
      const { answer: expected, answerKnown, value } = model.afterRead(cell, then, reach.mask);
      const got = inRegister(answer as number | bigint, reach);
      const wrong = model.fieldsOf(cell.register).find(({ bits }) => ((got ^ expected) & answerKnown & bits) !== 0n);
      if (wrong !== undefined)
        return `${named(cell, wrong)} reads ${show(got, wrong)} and not ${show(expected, wrong)}. ${Declared}`;
      const moved = model.fieldsOf(cell.register).find(({ bits }) => ((value ^ now) & bits) !== 0n);
      if (moved !== undefined)
        return `${named(cell, moved)} holds ${show(now, moved)} and not ${show(value, moved)} after it was read. ${Declared}`;
    }
  }
  if (hooked.length > 0) return undefined;
  const touched = [...reached.keys()].map((number) => model.cells[number] as Cell);
  const stranger = after.findIndex((value, number) => {
    // What is derived follows what it is derived from.
    if (reached.has(number) || value === before[number] || model.cells[number]?.register.kind === 'derived')
      return false;
    return !touched.some((cell) => model.shareStorage(bench.device, cell, model.cells[number] as Cell));
  });
  const other = model.cells[stranger];
  return other && `${other.name} changes to ${hex(after[stranger] as bigint)}, although it was not touched.`;
}

/** `'control', field 'rate' (read-write),` */
const named = ({ name }: Cell, field: Pick<ModelField, 'name' | 'access'>): string =>
  field.name === '' ? `'${name}' (${field.access})` : `'${name}', field '${field.name}' (${field.access}),`;

const Declared =
  'Declare what the hardware does: another access mode, or a read hook for a register that answers something else than was written.';

function unexpected(cell: Cell, wrong: Expected, now: bigint): string {
  const wanted = [...new Set(wrong.values.map((value) => show(value, wrong)))].join(' or ');
  return `${named(cell, wrong)} holds ${show(now, wrong)} and not ${wanted} then. ${Declared}`;
}

/** Hooks must not depend on bits that the guest cannot write. */
const unwritableBitsDoNothing: Check = {
  name: 'what is written to bits that cannot be written makes no difference',
  applies: ({ layout }) =>
    layout.parts.some(({ metadata }) =>
      metadata.registers.some(({ access, fields }) =>
        fields.length === 0 ? Unwritable.includes(access) : fields.some((field) => Unwritable.includes(field.access)),
      ),
    ),
  find(subject) {
    const model = new RegisterModel(subject.layout);
    return subject.search(this.name, randomSteps(subject), (script) => {
      const [left, right] = [subject.bench(), subject.bench()];
      const flipped = (step: ScriptStep): ScriptStep => withOtherBits(model, right, step);
      const names = ['as it stands', 'with those bits the other way round'] as const;
      const answers = script.map((step) => [answerOf(left, step), answerOf(right, flipped(step))] as const);
      const first = answers.map(([answer]) => answer);
      const found = difference(
        script,
        first,
        answers.map(([, answer]) => answer),
        names,
      );
      if (found !== undefined) return found;
      const field = firstFieldDifference(fieldsOf(left), fieldsOf(right));
      return field && `'${field.path}' is ${field.left} ${names[0]}, and ${field.right} ${names[1]}.`;
    });
  },
};

function withOtherBits(model: RegisterModel, bench: TestBench<Device>, step: ScriptStep): ScriptStep {
  if (step.kind !== 'write') return step;
  const reached = model.reached(step, model.held(bench.device));
  let flips = 0n;
  for (const [number, { mask, shift }] of reached ?? []) {
    for (const { access, bits } of model.fieldsOf((model.cells[number] as Cell).register)) {
      const inPlace = Unwritable.includes(access) ? bits & mask : 0n;
      flips |= shift >= 0 ? inPlace << BigInt(shift) : inPlace >> BigInt(-shift);
    }
  }
  const value = BigInt(step.value) ^ flips;
  return { ...step, value: step.size === 8 ? value : Number(value) };
}

/** Finds a register that no access reaches in whole: it is in the wrong region, or has the wrong width. */
const reachable: Check = {
  name: 'every register can be reached at every legal width, and its parts are parts of the whole',
  applies: hasRegisters,
  find(subject) {
    for (const target of subject.layout.targets) {
      const { register } = target;
      if (register === undefined || target.selectedBy !== undefined) continue;
      const fitting = legalWidths(target.region, target.offset).filter((width) => width <= target.length);
      if (fitting.length === 0) {
        const message = `no access that region '${target.region.name}' accepts fits into '${target.name}', ${register.width} bits at offset ${hex(target.offset)}.`;
        return { message, script: [] };
      }
      for (const size of fitting) {
        const step: ScriptStep = { kind: 'read', space: target.space, address: target.address, size };
        const bench = subject.bench();
        perform(bench, step);
        const { result } = target.space === 'ports' ? bench.io : bench.memory;
        const missing = bench.guestErrors.find(({ message }) => message.includes('no register takes it'));
        if (result === 0 && missing === undefined) continue;
        return {
          message: `'${target.name}' does not answer: ${missing?.message ?? 'the access is refused'}.`,
          script: [step],
        };
      }
    }
    return undefined;
  },
};

export const registerChecks: readonly Check[] = [reachable, obeysItsModes, unwritableBitsDoNothing];
