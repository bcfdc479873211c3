import { nearest, unknownWord } from '../../base/text.ts';
import type { Fail } from '../blueprint-checks.ts';
import { FieldSpec, FillerSpec } from './fields.ts';
import type { RegisterSpec } from './register.ts';

const words: Readonly<Record<keyof RegisterSpec, true>> = {
  width: true,
  reset: true,
  access: true,
  fields: true,
  atReset: true,
  narrow: true,
  count: true,
  stride: true,
  name: true,
  description: true,
};

const accesses = [
  'read-write',
  'read-only',
  'write-only',
  'write-one-to-clear',
  'read-to-clear',
  'write-once',
  'constant',
  'reserved',
  'undocumented',
  'unimplemented',
];

/** What the compiler refuses, refused once more for files that no compiler has seen: a plugin is run as it is. */
export function checkSpec(spec: RegisterSpec, where: string, fail: Fail): void {
  const unknown = unknownWord(spec, Object.keys(words));
  if (unknown !== undefined) throw fail(`${where} ${unknown}`);
  const { access = 'read-write', atReset = 'reset-value', narrow = 'by-byte', fields = {} } = spec;
  if (spec.fields !== undefined && Object.keys(fields).length === 0) {
    throw fail(`${where} has fields: {}, which account for no bit. Leave fields out, or declare them all.`);
  }
  oneOf(accesses, access, `${where} has the access`, fail);
  oneOf(['reset-value', 'kept', 'set-by-device'], atReset, `${where} has atReset`, fail);
  oneOf(['by-byte', 'zero-extended'], narrow, `${where} has narrow`, fail);
  for (const [name, field] of Object.entries(fields)) {
    if (!(field instanceof FieldSpec || field instanceof FillerSpec)) {
      throw fail(`${where}: field '${name}' is not one. Make it with bit, bits, reserved or undocumented.`);
    }
    oneOf(accesses, field.access, `${where}: field '${name}' has the access`, fail);
  }
}

function oneOf(known: readonly string[], given: string, what: string, fail: Fail): void {
  if (known.includes(given)) return;
  const close = nearest(given, known);
  throw fail(`${what} '${given}'. ${close === undefined ? `Known: ${known.join(', ')}.` : `Did you mean '${close}'?`}`);
}
