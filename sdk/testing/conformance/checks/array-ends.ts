import { hex } from '../../../base/text.ts';
import type { RegisterAccess, RegisterDeclaration } from '../../../device/index.ts';
import { fieldsOf, firstFieldDifference, valueAt } from '../device-fields.ts';
import { type Layout, legalWidths, type Target } from '../layout.ts';
import { writeStep } from '../random-script.ts';
import type { AccessWidth, ScriptStep } from '../script.ts';
import { type Check, Subject } from '../subject.ts';

/** A shorter array is a few registers or pins; its end says nothing. */
const ShortestArray = 4;
/** A shorter one may well end before its bank does. */
const ShortestMemory = 32;

/**
 * Finds what is one too short: the last of an array of inputs or registers does nothing, and those before it do. Options that say
 * how many there are have their largest value too, so that all that is declared is there.
 */
export const arraysReachTheirEnds: Check = {
  name: 'the last of an array is like those before it',
  applies: ({ layout }) =>
    layout.parts.some(({ metadata }) => metadata.registers.some(isArray)) || layout.pins.length > 0,
  find(subject) {
    for (const one of [subject, ...withMost(subject)]) {
      const found = shortInput(one) ?? shortRegister(one);
      if (found === undefined) continue;
      const { path, last } = found;
      if (subject.notExercised(path)) continue;
      const given = one === subject ? '' : ` with ${optionsText(one)}`;
      const message =
        `${path}[${last}] does nothing${given}, and the ones before it do: is a bound one too small? If the last one is ` +
        'different in the hardware, name it in notExercised.';
      return { message, script: [] };
    }
    const [short] = subject.layout.parts.flatMap(shortMemory).filter(({ path }) => !subject.notExercised(path));
    if (short === undefined) return undefined;
    const message =
      `register '${short.path}' has ${short.count} elements, and its bank has room for exactly one more, at offset ` +
      `${hex(short.end)}: is it one too short? If nothing is there, name it in notExercised.`;
    return { message, script: [] };
  },
};

const isArray = ({ count = 1 }: RegisterDeclaration): boolean => count >= ShortestArray;

/** The device with each option that counts something at its largest value. */
function withMost({ deviceClass, settings, metadata }: Subject): readonly Subject[] {
  return Object.entries(metadata.options.declarations).flatMap(([name, { range, unit, wires, places }]) => {
    const isCount = typeof range?.[1] === 'number' && unit === undefined && wires === undefined && places === undefined;
    if (!isCount) return [];
    try {
      return [new Subject(deviceClass, { ...settings, options: { ...settings.options, [name]: range[1] } })];
    } catch {
      return []; // Together with other options it may be refused.
    }
  });
}

const optionsText = ({ settings }: Subject): string =>
  Object.entries(settings.options ?? {})
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join(', ');

/** An end that does nothing. */
interface End {
  readonly path: string;
  readonly last: number;
}

/** Whether the two before the last do something, and the last does not. */
const isShort = (count: number, does: (index: number) => boolean): boolean =>
  does(count - 2) && does(count - 3) && !does(count - 1);

function shortInput(subject: Subject): End | undefined {
  const counts = new Map<string, number>();
  for (const pin of subject.layout.pins) {
    const [, name] = /^(.*)\[\d+\]$/.exec(pin) ?? [];
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const short = [...counts].find(
    ([name, count]) => count >= ShortestArray && isShort(count, (index) => changes(subject, `${name}[${index}]`)),
  );
  return short && { path: short[0], last: short[1] - 1 };
}

/** Whether a level of this input reaches the device at all. */
function changes(subject: Subject, pin: string): boolean {
  const [left, right] = [subject.bench(), subject.after([{ kind: 'pin', pin, level: true }])];
  return firstFieldDifference(fieldsOf(left), fieldsOf(right)) !== undefined;
}

/** What keeps what is written. */
const Kept: readonly RegisterAccess[] = ['read-write', 'write-only'];

function shortRegister(subject: Subject): End | undefined {
  for (const part of subject.layout.parts) {
    for (const register of part.metadata.registers) {
      const { fields, access, kind, count = 1, indexedBy } = register;
      const isKept =
        kind === 'stored' && [access, ...fields.map((field) => field.access)].some((one) => Kept.includes(one));
      const first = part.targetOf(register);
      if (!isArray(register) || !isKept || first === undefined || indexedBy !== undefined) continue;
      if (!legalWidths(first.region, first.offset).some((width) => width === first.length)) continue;
      if (isShort(count, (index) => keeps(subject, part, first, index)))
        return { path: pathIn(part, register), last: count - 1 };
    }
  }
  return undefined;
}

const pathIn = ({ name }: Layout, { member }: RegisterDeclaration): string =>
  name === '' ? member : `${name}.${member}`;

/** Whether this one of the array holds something else after a write of ones, or of zeros. */
function keeps(subject: Subject, part: Layout, first: Target, index: number): boolean {
  const register = first.register as RegisterDeclaration;
  const at = { ...first, address: first.address + index * (register.stride ?? first.length) };
  const held = (script: readonly ScriptStep[]): unknown => {
    const array = valueAt(subject.after(script).device, pathIn(part, register));
    return (array as ArrayLike<unknown>)[index];
  };
  const before = held([]);
  return [-1n, 0n].some((value) => held([writeStep(at, 0, first.length as AccessWidth, value)]) !== before);
}

/** An array to which one more would fill its bank. */
function shortMemory(part: Layout): { path: string; count: number; end: number }[] {
  const { registers } = part.metadata;
  return registers.flatMap((register) => {
    const { bank, offset, width, count = 1, indexedBy } = register;
    const stride = register.stride ?? width / 8;
    const end = offset + count * stride;
    const isLast = registers.every((other) => other.bank !== bank || other.offset < end);
    if (count < ShortestMemory || indexedBy !== undefined || !isLast || end + stride !== bank.size) return [];
    return [{ path: pathIn(part, register), count, end }];
  });
}
