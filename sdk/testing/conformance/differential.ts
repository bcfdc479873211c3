import { hex, sentence } from '../../base/text.ts';
import { type Device, saveDevice } from '../../device/index.ts';
import type { TestBench } from '../bench/test-bench.ts';
import { type Fields, fieldsOf, firstFieldDifference, within } from './device-fields.ts';
import { ramOf } from './layout.ts';
import { type Answer, OutOfTime, perform, type ScriptStep } from './script.ts';

/** The answers of one side, step by step; undefined where a step does not count. */
export type Answers = readonly (Answer | undefined)[];

/** What one run of a program came to. */
export interface Outcome {
  readonly answers: Answers;
  readonly fields: Fields;
  readonly ram: Uint8Array;
}

export const outcomeOf = (bench: TestBench<Device>, answers: Answers): Outcome => ({
  answers,
  fields: fieldsOf(bench),
  ram: ramOf(bench),
});

/** The first difference of two outcomes of one program, in words. Fields at `ignored` paths do not count. */
export function outcomeDifference(
  script: readonly ScriptStep[],
  left: Outcome,
  right: Outcome,
  names: readonly [string, string],
  ignored?: (path: string) => boolean,
): string | undefined {
  const found = difference(script, left.answers, right.answers, names);
  if (found !== undefined) return found;
  const field = firstFieldDifference(left.fields, right.fields, ignored);
  if (field !== undefined)
    return `in the end '${field.path}' is ${field.left} ${names[0]}, and ${field.right} ${names[1]}.`;
  const at = firstDifference(left.ram, right.ram);
  if (at < 0) return undefined;
  return `in the end guest memory at ${hex(at)} is ${left.ram[at]} ${names[0]}, and ${right.ram[at]} ${names[1]}.`;
}

/** How often the guest was wrong. */
export const guestErrorCount = ({ guestErrors }: TestBench<Device>): number =>
  guestErrors.reduce((sum, { count }) => sum + count, 0);

/** Whether two devices, or what they have asked of the machine, differ in the end; but for one field. */
export function endsDifferently(left: TestBench<Device>, right: TestBench<Device>, but: string): boolean {
  if (firstFieldDifference(fieldsOf(left), fieldsOf(right), within([but])) !== undefined) return true;
  if (left.requestedResets.join() !== right.requestedResets.join()) return true;
  if (left.requestedPowerOffs.length !== right.requestedPowerOffs.length) return true;
  return guestErrorCount(left) !== guestErrorCount(right) || firstDifference(ramOf(left), ramOf(right)) >= 0;
}

/** Where two memories differ first; -1 where they are equal. */
export function firstDifference(left: Uint8Array, right: Uint8Array): number {
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return at;
  return -1;
}

/** A handler or timer that threw, as an answer. */
export function answerOf(bench: TestBench<Device>, step: ScriptStep): Answer {
  try {
    return perform(bench, step);
  } catch (error) {
    return threw(error);
  }
}

export function threw(error: unknown): Answer {
  return `threw: ${messageOf(error)}`;
}

/** The same as whole sentences, with the method and the line of the device. */
export const threwWhere = (error: unknown): string => `${sentence(threw(error))}${placeOf(error)}`;

/** Where the code of a device threw: the method, the file and the line. Frames of the SDK do not count. */
function placeOf(error: unknown): string {
  const { cause, stack = '' } = error instanceof Error ? error : {};
  if (cause instanceof Error) return placeOf(cause);
  const own = stack.split('\n').find((line) => /^ {4}at /.test(line) && !isForeign(line));
  const [, method, file, line] = /^ {4}at (?:async )?(?:(.*?) \()?(?:.*\/)?(.*?):(\d+):\d+\)?$/.exec(own ?? '') ?? [];
  return file === undefined ? '' : ` It was thrown in ${method ?? 'a function'}, ${file}:${line}.`;
}

/** The folder of the SDK, as in a stack. It is empty in a bundle without a URL: all frames are then the SDK's. */
const sdk = decodeURIComponent(`${import.meta.url ?? ''}`)
  .replace(/^file:\/\//, '')
  .replace(/(?:[^/]*\/){2}[^/]*$/, '');
const isForeign = (frame: string): boolean =>
  frame.includes(sdk) || frame.includes('/node_modules/') || /\((?:native|node:|<anonymous>)/.test(frame);

/** What a device saves, as text and back, as a file would hold it. */
export const savedAsText = (device: Device): unknown => JSON.parse(JSON.stringify(saveDevice(device)));

/** Why a device could not be saved, or why what it saved could not be restored. */
export function refusal(saved: unknown, error: unknown): string {
  const what = saved === undefined ? 'it cannot be saved' : 'it cannot be restored from what it saves';
  return `${what}: ${messageOf(error)}`;
}

function messageOf(error: unknown): string {
  if (error instanceof OutOfTime) throw error;
  return error instanceof Error ? error.message : String(error);
}

/** Where two sides first answer differently, in words. */
export function difference(
  script: readonly ScriptStep[],
  left: Answers,
  right: Answers,
  [leftName, rightName]: readonly [string, string],
): string | undefined {
  for (let index = 0; index < script.length; index++) {
    const a = left[index];
    const b = right[index];
    if (a === b || a === undefined || b === undefined) continue;
    return `step ${index + 1} answers ${trimmed(a)} ${leftName}, and ${trimmed(b)} ${rightName}.`;
  }
  return undefined;
}

const trimmed = (answer: Answer): string => answer.trim() || 'nothing';

/** Clears the recorded edges of all pins. */
export function clearRecorders(bench: TestBench<Device>): void {
  const recorders = bench.interrupts as Readonly<Record<string, { clear(): void }>>;
  for (const name in recorders) recorders[name]?.clear();
}

/** Where the last step of a kind stands; -1 if there is none. */
export function lastOf(script: readonly ScriptStep[], kind: ScriptStep['kind']): number {
  return script.findLastIndex((step) => step.kind === kind);
}

/** The pins that are high. */
export function pinsHigh(bench: TestBench<Device>): string[] {
  const recorders = bench.interrupts as Readonly<Record<string, { readonly level: boolean }>>;
  return Object.keys(recorders).filter((name) => recorders[name]?.level === true);
}

/** The first pin that is high, if there is one; but for some. */
export const pinHigh = (bench: TestBench<Device>, but: readonly string[] = []): string | undefined =>
  pinsHigh(bench).find((name) => !but.includes(name));
