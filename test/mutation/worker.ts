import { pathToFileURL } from 'node:url';
import type { ConcreteDeviceClass } from '../../sdk/index.ts';
import type { ConformanceSettings } from '../../sdk/testing/conformance/check.ts';
import { behaviourOf, changeOf } from '../../sdk/testing/conformance/checks/recorded-behaviour.ts';
import { answerOf } from '../../sdk/testing/conformance/differential.ts';
import { Subject } from '../../sdk/testing/conformance/subject.ts';
import { checkDevice } from '../../sdk/testing/index.ts';
import { Random } from '../../sdk/testing/random.ts';
import { deviceProfiles } from '../testing/conformance/device-profiles.ts';
import { suspects } from './suspects.ts';
import type { Question, Reply } from './verdict.ts';

/** Programs of the comparison with the original that decides whether a survivor could have been found at all. */
const LongPrograms = 60;
const LongLength = 400;

const records = new Map<string, { subject: Subject; record: string }>();

process.on('message', (question: Question) => {
  void judge(question).then((reply) => process.send?.(reply));
});

async function judge(question: Question): Promise<Reply> {
  const { id } = question;
  const settings = settingsOf(question);
  const reply = (verdict: Reply['verdict'], by: string): Reply => ({ id, verdict, by });
  let copy: ConcreteDeviceClass;
  let subject: Subject;
  try {
    copy = await load(question.bundle, question.exported);
    subject = new Subject(copy, settings);
  } catch (error) {
    return reply('definition', sentence(error));
  }
  try {
    const [failure] = checkDevice(copy, { ...settings, firstOnly: true } as object);
    if (failure !== undefined) return reply(failure.kind, `${failure.check}: ${failure.message}`);
  } catch (error) {
    return reply('contract', `threw: ${sentence(error)}`);
  }
  if (question.original === undefined) return reply('alike', '');
  const original = await originalOf(question, question.original);
  const change = changeOf(original.subject, original.record, behaviourOf(subject));
  if (change !== undefined) return reply('record', change.message);
  const difference = tellApart(original.subject, subject);
  return difference === undefined ? reply('alike', '') : reply('survived', difference);
}

/** What the device's own test says about it, and how long to look. */
function settingsOf({ suspect, quick }: Question): ConformanceSettings {
  const settings = suspects.find(({ name }) => name === suspect)?.settings ?? deviceProfiles[suspect];
  return { ...settings, ...quick };
}

async function originalOf(question: Question, original: string) {
  const { exported } = question;
  const known = records.get(original);
  if (known !== undefined) return known;
  const subject = new Subject(await load(original, exported), settingsOf(question));
  const made = { subject, record: behaviourOf(subject) };
  records.set(original, made);
  return made;
}

async function load(file: string, exported: string): Promise<ConcreteDeviceClass> {
  const module = (await import(pathToFileURL(file).href)) as Readonly<Record<string, ConcreteDeviceClass>>;
  return module[exported] as ConcreteDeviceClass;
}

/** Longer programs than the suite's, on both. */
function tellApart(original: Subject, copy: Subject): string | undefined {
  for (let program = 0; program < LongPrograms; program++) {
    const random = new Random(0xc0ffee + program);
    const script = original.script(random, LongLength, { resets: true });
    const [left, right] = [original.bench(), copy.bench()];
    for (const [index, step] of script.entries()) {
      if (answerOf(left, step) !== answerOf(right, step)) return `step ${index + 1} of long program ${program}`;
    }
    const errors = ({ guestErrors }: typeof left) => guestErrors.reduce((sum, { count }) => sum + count, 0);
    if (errors(left) !== errors(right)) return `guest errors of long program ${program}`;
  }
  return undefined;
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));
