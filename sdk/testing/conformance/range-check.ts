import { BackplaneError, describeThrown } from '../../base/errors.ts';
import type { ConcreteDeviceClass, RegisterDeclaration } from '../../device/index.ts';
import { extent } from '../../device/registers/names.ts';
import {
  type AddedRange,
  type CoalescedOutcome,
  coalescedEqualsUncoalesced,
  findDifference,
  outcome,
  scriptsFor,
} from './checks/coalescing.ts';
import { firstFieldDifference, within } from './device-fields.ts';
import { firstDifference } from './differential.ts';
import type { Layout } from './layout.ts';
import type { ScriptStep, Space } from './script.ts';
import { asGuestCode } from './script-formats.ts';
import { Subject } from './subject.ts';

/** The scripts of the conformance suite: they find what the suite would find for the declared range. */
const AsTheSuite = { runs: 10, length: 250, seed: 1 } as const;
/** Shorter scripts with the values of the recording. */
const WithValues = { runs: 10, length: 100, seed: 1 } as const;
const { name: Check } = coalescedEqualsUncoalesced;

/** What is known of the device beyond its class: its options, and values that drivers write there. */
export interface RangeCheckSettings {
  readonly options: Readonly<Record<string, unknown>>;
  readonly values: readonly (number | bigint)[];
  /** Where the machine has its regions, by name: a script that differs is printed for that machine. */
  readonly addresses?: ReadonlyMap<string, number>;
}

/**
 * Runs a device alone over random scripts, with a range coalesced that its class does not declare, and without. Answers the
 * shortest script that differs, why the device cannot be run, or which writes show no effect in any script.
 */
export function checkRange(deviceClass: ConcreteDeviceClass, range: AddedRange, settings: RangeCheckSettings) {
  const { options, values, addresses } = settings;
  const ran = { scripts: AsTheSuite.runs + WithValues.runs, seed: AsTheSuite.seed };
  try {
    const suite = new Subject(deviceClass, { options, ...AsTheSuite });
    const subject = new Subject(deviceClass, { options, values, ...WithValues });
    const place = subject.layout.regions.find(({ region }) => region.name === range.region);
    if (place === undefined)
      throw new BackplaneError(
        'region-not-on-bench',
        `its region '${range.region}' has no place of its own on a bench.`,
      );
    const found = findDifference(suite, Check, range) ?? findDifference(subject, Check, range);
    if (found !== undefined) {
      const { layout } = subject;
      const script = asGuestCode(found.script, layout.nameAt.bind(layout), (step) => moved(step, layout, addresses));
      return { ...ran, difference: { message: found.message, script } };
    }
    const unseen = partsOf(subject, range).filter((part) => !isSeen(subject, range, place, part));
    return unseen.length === 0 ? ran : { ...ran, unseen: unseen.map(({ name }) => name) };
  } catch (failure) {
    return { ...ran, refused: describeThrown(failure) };
  }
}

/** The address on the machine of what a script of the bench accesses. */
function moved(
  { space, address }: { readonly space: Space; readonly address: number },
  { regions }: Layout,
  addresses: RangeCheckSettings['addresses'],
): number {
  const around = regions.find(
    (one) => one.space === space && address >= one.address && address < one.address + one.region.size,
  );
  const there = around && addresses?.get(around.region.name);
  return around === undefined || there === undefined ? address : there + address - around.address;
}

/** Bytes of the range whose writes run code of the device. */
interface Part {
  readonly name: string;
  /** Offsets in the region. */
  readonly start: number;
  readonly end: number;
  /** Fields that only hold what is written: they show no effect of the code. */
  readonly holds: readonly string[];
}

function partsOf({ metadata }: Subject, { region, offset, size }: AddedRange): Part[] {
  const endOf = (register: RegisterDeclaration) => register.offset + extent(register);
  const own = metadata.registers.filter(
    (register) => register.bank.name === region && register.offset < offset + size && offset < endOf(register),
  );
  const isCode = ({ writeHook, fields }: RegisterDeclaration) =>
    [{ writeHook }, ...fields].some((one) => one.writeHook !== undefined);
  const hooked = own
    .filter(isCode)
    .map((register) => ({ name: register.name, start: register.offset, end: endOf(register), holds: [register.name] }));
  const byte = (at: number) => own.some((register) => at >= register.offset && at < endOf(register));
  const isCovered = Array.from({ length: Math.min(size, 4096) }, (_, index) => offset + index).every(byte);
  return isCovered ? hooked : [...hooked, { name: region, start: offset, end: offset + size, holds: [] }];
}

/** Whether any script comes out differently when the writes to a part are left out of it. */
function isSeen(
  subject: Subject,
  range: AddedRange,
  { space, address }: Subject['layout']['regions'][number],
  { start, end, holds }: Part,
): boolean {
  const makeScript = scriptsFor(subject, range);
  const touches = (step: ScriptStep) =>
    (step.kind === 'write' || step.kind === 'read') &&
    step.space === space &&
    step.address < address + end &&
    address + start < step.address + step.size;
  const answersOf = (script: readonly ScriptStep[], { answers }: CoalescedOutcome) =>
    answers.filter((_, index) => script[index]?.kind === 'read' && !(holds.length > 0 && touches(script[index])));
  for (let run = 0; run < subject.runs; run++) {
    const script = makeScript(subject.random(Check, run));
    const rest = script.filter((step) => !(step.kind === 'write' && touches(step)));
    const [all, without] = [outcome(subject, script, undefined), outcome(subject, rest, undefined)];
    const isSame =
      answersOf(script, all).join() === answersOf(rest, without).join() &&
      all.interrupts === without.interrupts &&
      firstFieldDifference(all.fields, without.fields, within(holds)) === undefined &&
      firstDifference(all.ram, without.ram) < 0;
    if (!isSame) return true;
  }
  return false;
}
