import { hex } from '../../../base/text.ts';
import { HandledRegion, type RegisterDeclaration } from '../../../device/index.ts';
import { Random } from '../../random.ts';
import { answerOf, guestErrorCount } from '../differential.ts';
import type { ScriptStep } from '../script.ts';
import type { Check, Subject } from '../subject.ts';

/** Random programs in a record, and answers that one digest stands for. */
const Programs = 32;
const AnswersPerDigest = 20;
const ProgramLength = 400;
/** A record is the same whatever the seed of the other checks is. */
const FirstSeed = 0x0dec_0de0;

/** Holds a device against changes by mistake. A record says what the device does, not that this is right. */
export const behavesAsRecorded: Check = {
  name: 'it behaves as recorded',
  applies: ({ settings }) => settings.recorded !== undefined,
  find(subject) {
    const { recorded } = subject.settings;
    const now = behaviourOf(subject);
    const then = recorded?.read();
    if (then !== undefined) return changeOf(subject, then, now);
    if (recorded?.write === undefined)
      return { message: `there is no record at ${recorded?.name}. Make it, and commit it.`, script: [] };
    recorded.write(now);
    return undefined;
  },
};

/** What changed since a record was made, in words, with the program that shows it. */
export function changeOf(subject: Subject, recorded: string, now: string) {
  if (recorded === now) return undefined;
  const then = recorded.split('\n');
  const lines = now.split('\n');
  const at = lines.findIndex((line, index) => line !== then[index]);
  const [was = 'nothing', is = 'nothing'] = [then[at], lines[at]];
  const program = /^program (\d+): /.exec(is);
  const advice = 'If this is what you meant, record it anew: BACKPLANE_RECORD=1.';
  if (program === null) return { message: `it was recorded as '${was}', and is '${is}'. ${advice}`, script: [] };
  const script = programOf(subject, Number(program[1]));
  const before = was.split(' ');
  const word = is.split(' ').findIndex((digest, index) => digest !== before[index]) - 2;
  const end = Math.min((word + 1) * AnswersPerDigest, script.length);
  const message = `one of the last ${AnswersPerDigest} answers of this program is not as recorded. ${advice}`;
  return { message, script: script.slice(0, end) };
}

/** The record: what is declared, what can be read after a reset, and digests of what random programs see. */
export function behaviourOf(subject: Subject): string {
  const { metadata, layout } = subject;
  const lines = [`device ${metadata.type}, version ${metadata.version}`];
  for (const { template, coalesced, flushCoalescedIo } of metadata.regions) {
    const { name, size, base, kind } = template;
    const at = base === undefined ? '' : ` at ${hex(base)}`;
    lines.push(`${kind} ${name}${at}, ${hex(size)} bytes${flushCoalescedIo ? ', flushes queued writes' : ''}`);
    if (template instanceof HandledRegion) {
      const { accepts, implements: does } = template;
      lines.push(`  accesses of ${accepts.min} to ${accepts.max} bytes, done by ${does.min} to ${does.max}`);
    }
    for (const { offset, size: bytes } of coalesced) lines.push(`  coalesced ${hex(offset)}, ${bytes} bytes`);
  }
  lines.push(...metadata.registers.flatMap(registerLines));
  if (layout.bus.busRegisters !== undefined) lines.push(`configuration ${headerOf(subject)}`);
  for (const target of layout.targets) {
    const bench = subject.bench();
    const size = target.length >= 4 ? 4 : target.length >= 2 ? 2 : 1;
    const step: ScriptStep = { kind: 'read', space: target.space, address: target.address, size };
    if (target.selectedBy === undefined)
      lines.push(`after a reset ${target.name} reads ${answerOf(bench, step).trim()}`);
  }
  for (let program = 1; program <= Programs; program++) {
    lines.push(`program ${program}: ${digests(subject, programOf(subject, program)).join(' ')}`);
  }
  return `${lines.join('\n')}\n`;
}

/** What a bus scan finds. */
function headerOf(subject: Subject): string {
  const bench = subject.bench();
  const words = Array.from({ length: 16 }, (_, word) => ({ kind: 'config-read', offset: 4 * word, size: 4 }) as const);
  return words.map((step) => answerOf(bench, step).split(' ')[0]).join(' ');
}

function registerLines({ name, bank, offset, width, reset, access, atReset, fields }: RegisterDeclaration): string[] {
  const how = fields.length === 0 ? `${access}, ` : '';
  const head = `register ${name} at ${hex(offset)} of ${bank.name}, ${width} bits, ${how}reset ${hex(reset)} (${atReset})`;
  return [head, ...fields.map((field) => `  bits ${field.low} to ${field.high} ${field.name}, ${field.access}`)];
}

function programOf(subject: Subject, program: number): readonly ScriptStep[] {
  return subject.script(new Random(FirstSeed + program), ProgramLength, { resets: true });
}

function digests(subject: Subject, script: readonly ScriptStep[]): string[] {
  const bench = subject.bench();
  const words: string[] = [];
  let hash = 0x811c_9dc5;
  script.forEach((step, index) => {
    for (const character of answerOf(bench, step)) hash = Math.imul(hash ^ character.charCodeAt(0), 0x0100_0193);
    if ((index + 1) % AnswersPerDigest !== 0) return;
    // Reports of the guest's mistakes are behaviour too.
    words.push(((hash ^ guestErrorCount(bench)) >>> 0).toString(16).padStart(8, '0'));
  });
  return words;
}
