import { lowMask } from '../../base/bits.ts';
import type { Fail } from '../../base/errors.ts';
import { didYouMean, unknownWord } from '../../base/text.ts';
import { describeRange } from '../../memory/index.ts';
import type { FieldDeclaration, RegisterDeclaration } from './model.ts';
import { describeBits, describeRegister, extent } from './names.ts';
import { FieldSpec, type RegisterSpec, ReservedFieldSpec } from './spec.ts';

const words: Readonly<Record<keyof RegisterSpec, true>> = {
  width: true,
  reset: true,
  reads: true,
  access: true,
  fields: true,
  atReset: true,
  narrow: true,
  count: true,
  stride: true,
  name: true,
  description: true,
  since: true,
};

const accesses = [
  'read-write',
  'read-only',
  'write-only',
  'write-one-to-clear',
  'write-one-to-set',
  'read-to-clear',
  'write-once',
  'constant',
  'reserved',
  'undocumented',
  'unimplemented',
  'trigger',
];

/** What the compiler refuses, refused once more for files that no compiler has seen: a plugin is run as it is. */
export function checkSpec(spec: RegisterSpec, where: string, fail: Fail): void {
  const unknown = unknownWord(spec, Object.keys(words));
  if (unknown !== undefined) throw fail('unknown-word', `${where} ${unknown}`);
  const { access = 'read-write', atReset = 'reset-value', narrow = 'by-byte', fields = {} } = spec;
  if (spec.fields !== undefined && Object.keys(fields).length === 0) {
    throw fail(
      'register-bits-unassigned',
      `${where} has fields: {}, which account for no bit. Leave fields out, or declare them all.`,
    );
  }
  oneOf(accesses, access, `${where} has the access`, fail);
  oneOf(['reset-value', 'kept', 'set-by-device'], atReset, `${where} has atReset`, fail);
  oneOf(['by-byte', 'zero-extended'], narrow, `${where} has narrow`, fail);
  for (const [name, field] of Object.entries(fields)) {
    if (!(field instanceof FieldSpec || field instanceof ReservedFieldSpec)) {
      throw fail(
        'invalid-register-field',
        `${where}: field '${name}' is not one. Make it with bit, bits, reserved or undocumented.`,
      );
    }
    oneOf(accesses, field.access, `${where}: field '${name}' has the access`, fail);
  }
  checkTrigger(spec, where, fail);
}

function checkTrigger({ access, reads, reset, atReset, fields = {}, width }: RegisterSpec, where: string, fail: Fail) {
  if (access !== 'trigger') {
    if (reads === undefined) return;
    throw fail(
      'invalid-trigger',
      `${where} says what it reads, and is no trigger. Declare it access: 'trigger', or leave reads out.`,
    );
  }
  if (reset !== undefined || atReset !== undefined) {
    throw fail('invalid-trigger', `${where} is a trigger, which holds nothing to reset. Leave out reset and atReset.`);
  }
  const held = Object.entries(fields).find(
    ([, field]) => !['read-write', 'trigger', 'reserved'].includes(field.access),
  );
  if (held !== undefined) {
    throw fail(
      'invalid-trigger',
      `${where} is a trigger, so its field '${held[0]}' cannot be ${held[1].access}. Leave the access out.`,
    );
  }
  const fits = reads === undefined || fitsWidth(reads, width);
  if (!fits)
    throw fail(
      'invalid-trigger',
      `${where} reads as ${reads}, which is no value of ${width} bits. Give one that fits.`,
    );
}

function oneOf(known: readonly string[], given: string, what: string, fail: Fail): void {
  if (known.includes(given)) return;
  throw fail('unknown-word', `${what} '${given}'. ${didYouMean(given, known)}`);
}

/** Refuses a register that cannot be where it is, or as wide as it says. */
export function checkRegister(register: RegisterDeclaration, fail: Fail): void {
  const { bank, offset, width, count, stride, reset } = register;
  const where = describeRegister(register);
  if (width === undefined)
    throw fail('invalid-register-width', `${where} says no width. Give it 8, 16, 32 or 64 bits.`);
  if (![8, 16, 32, 64].includes(width))
    throw fail('invalid-register-width', `${where} has ${width} bits. A register has 8, 16, 32 or 64.`);
  if (count !== undefined && !(Number.isInteger(count) && count > 0 && count <= 0x1_0000)) {
    throw fail(
      'invalid-register-count',
      `${where}: count ${count} is not a number of registers. Give it a whole number from 1 to 65536.`,
    );
  }
  const closest = register.indexedBy === undefined ? width / 8 : 1;
  if (stride !== undefined && !(Number.isInteger(stride) && stride >= closest)) {
    throw fail(
      'invalid-register-count',
      `${where}: stride ${stride} lets its registers overlap. Give it a whole number from ${closest}.`,
    );
  }
  if (!Number.isInteger(offset) || offset < 0 || offset + extent(register) > bank.size) {
    const bytes = describeRange(0, bank.size);
    const word = bank.kind === 'carried' ? 'bank' : 'region';
    throw fail(
      'range-outside-region',
      `${where} leaves its ${word}, which has the offsets ${bytes}. Move it, or make the ${word} larger.`,
    );
  }
  if (!fitsWidth(reset, width)) {
    throw fail(
      'invalid-reset-value',
      `${where}: the reset value ${reset} is not one of ${width} bits. ` +
        `Give it a ${width === 64 ? 'bigint' : 'whole number'} from 0 that fits.`,
    );
  }
  checkSizes(register, where, fail);
  const apart = !bank.implements.unaligned && offset % (width / 8) === 0;
  if (register.narrow === 'zero-extended' && (!apart || register.indexedBy !== undefined)) {
    throw fail(
      'zero-extended-misplaced',
      `${where} is zero-extended, so every access must begin at it: at a multiple of ${width / 8} bytes, in a region that ` +
        "implements aligned accesses only, and not behind a data port. Change that, or let the register merge 'by-byte'.",
    );
  }
}

function fitsWidth(value: number | bigint, width: number): boolean {
  if (width === 64) return typeof value === 'bigint' && BigInt.asUintN(64, value) === value;
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** width;
}

function checkSizes({ bank, width }: RegisterDeclaration, where: string, fail: Fail): void {
  // Registers merge narrow accesses by byte, so those come as they are.
  const narrowest = Math.min(bank.accepts.min, bank.implements.min);
  if (narrowest > width / 8) {
    throw fail(
      'register-narrower-than-access',
      `${where} has ${width} bits, but the region implements no access below ${narrowest} bytes. ` +
        `Declare it with ${narrowest * 8} bits, the upper ones reserved, or let the region implement less.`,
    );
  }
}

/** Refuses fields that overlap, leave the register, or leave bits without a field. */
export function checkFields(register: RegisterDeclaration, fail: Fail): void {
  const { fields, width } = register;
  const where = describeRegister(register);
  for (const field of fields) checkField(field, width, where, fail);
  let next = 0;
  let before: FieldDeclaration | undefined;
  for (const field of fields) {
    if (before !== undefined && field.low < next) {
      throw fail(
        'register-fields-overlap',
        `${where}: fields '${before.name}' (${describeBits(before)}) and '${field.name}' (${describeBits(field)}) overlap. ` +
          'Every bit belongs to one field.',
      );
    }
    if (field.low > next) throw gap(next, field.low - 1, before, field);
    next = field.high + 1;
    before = field;
  }
  if (fields.length > 0 && next < width) throw gap(next, width - 1, before, undefined);

  function gap(low: number, high: number, below: FieldDeclaration | undefined, above: FieldDeclaration | undefined) {
    const neighbours = [below, above].filter((field) => field !== undefined).map(({ name }) => `'${name}'`);
    const reservedField = low === high ? `reserved(${low})` : `reserved([${low}, ${high}])`;
    const side = neighbours.length === 2 ? 'between' : below === undefined ? 'below' : 'above';
    return fail(
      'register-bits-unassigned',
      `${where}: ${describeBits({ low, high })}, ${side} ${neighbours.join(' and ')}, ` +
        `${low === high ? 'belongs' : 'belong'} to no field. Name what is there, or add ${reservedField}.`,
    );
  }
}

function checkField(
  { name, low, high, values = {} }: FieldDeclaration,
  width: number,
  where: string,
  fail: Fail,
): void {
  const whole = Number.isInteger(low) && Number.isInteger(high);
  if (!whole || low < 0 || low > high || high >= width) {
    const remedy = whole && high >= 0 && low < width && low > high ? `Write bits(${high}, ${low})` : 'Lowest bit first';
    throw fail(
      'invalid-register-field',
      `${where}: field '${name}' has bits ${low} to ${high}, but the register has 0 to ${width - 1}. ${remedy}.`,
    );
  }
  const taken = new Map<number, string>();
  for (const [label, value] of Object.entries(values)) {
    const most = lowMask(high - low + 1);
    if (!Number.isInteger(value) || value < 0 || value > most) {
      throw fail(
        'invalid-field-value',
        `${where}: value '${label}' of field '${name}' is ${value}, but it holds 0 to ${most}.`,
      );
    }
    const other = taken.get(value);
    if (other !== undefined) {
      throw fail(
        'invalid-field-value',
        `${where}: values '${other}' and '${label}' of field '${name}' are both ${value}. Keep one of them.`,
      );
    }
    taken.set(value, label);
  }
}
