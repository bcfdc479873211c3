import { BackplaneError } from '../../base/errors.ts';
import { describeJson, type Json, type JsonReader } from '../../base/json-reader.ts';
import { type GuestImage, isProgramImage, type ProgramImage } from '../accelerator.ts';
import { TraceGuest } from '../trace/guest.ts';
import type { RecordedTrace } from '../trace/recorded-trace.ts';
import { type GuestCode, isGuestCode } from './code.ts';
import { LogLimits } from './log.ts';
import { readLog, readProgress, writeLog, writeProgress } from './log-text.ts';
import { LoggedGuest, ProgressError } from './logged-guest.ts';
import { GuestOperation, type GuestSource } from './operation.ts';

/** A guest that was brought back to where it was, and the operation that its vCPU has. */
export interface ResumedGuest {
  readonly guest: GuestSource | undefined;
  readonly operation: GuestOperation;
  /** Puts a recording into its place; a refused snapshot leaves it alone. */
  prepare?(): void;
}

export function tooLongToSave(program: string): string {
  return (
    `Guest program '${program}' has done too much to be saved. Its log ends at ${LogLimits.entries} different operations, ` +
    `${LogLimits.operations} altogether, or ${LogLimits.bytes / 2 ** 20} MiB of strings. Save earlier.`
  );
}

/** How far a guest is. */
interface GuestStage {
  /** Can be started again, from its beginning. */
  readonly isProgram: boolean;
  readonly begun: boolean;
  /** Executes nothing more: where it is in its program does not matter. */
  readonly atItsEnd: boolean;
}

/** A program by its log, a recording by its position. Any other guest cannot be brought back, and is refused. */
export function saveGuest(guest: GuestSource | undefined, operation: GuestOperation, stage: GuestStage): Json {
  if (guest === undefined) return null;
  if (guest instanceof LoggedGuest) return saveLogged(guest, operation, stage);
  if (stage.isProgram) return savePlain(guest, stage);
  if (guest instanceof TraceGuest) {
    const { name, position, done, trace } = guest;
    const { length } = trace;
    return {
      kind: 'recording',
      name,
      length,
      checksum: checksum(trace),
      ...guest.played,
      position,
      done,
      underWay: !operation.finished,
    };
  }
  throw new BackplaneError(
    'guest-not-savable',
    `Guest '${guest.name}' is neither a program nor a recording, so it cannot be saved. Write it as a guestProgram.`,
  );
}

function saveLogged(guest: LoggedGuest, operation: GuestOperation, { atItsEnd }: GuestStage): Json {
  const { name, log } = guest;
  guest.complete(operation);
  if (log.overflowed && !atItsEnd) throw new BackplaneError('guest-too-long-to-save', tooLongToSave(name));
  const underWay = guest.underWay(operation);
  return {
    kind: 'program',
    name,
    log: log.overflowed ? null : writeLog(log),
    underWay: underWay === undefined ? null : writeProgress(underWay),
  };
}

/** Without a log, a program is known at its beginning and where it is needed no more. */
function savePlain({ name }: GuestSource, { atItsEnd, begun }: GuestStage): Json {
  if (atItsEnd || !begun) return { kind: 'program', name, log: begun ? null : [], underWay: null };
  throw new BackplaneError(
    'guest-not-savable',
    `Guest program '${name}' is under way, and what it has done was not logged: a snapshot cannot bring it back. ` +
      'Run it with machine.run(program, { savable: true }), or save when it has ended.',
  );
}

/**
 * Brings a guest back; undefined images leave the vCPU without one. What is wrong is noted, and nothing is changed. Only a guest
 * that is `atItsEnd` can do without a log.
 */
export function readGuest(reader: JsonReader, image: GuestImage | undefined, atItsEnd: boolean): ResumedGuest {
  const operation = new GuestOperation();
  if (reader.data === null || image === undefined) return { guest: undefined, operation };
  const kind = reader.member('kind').text(16);
  if (kind === 'program' && isProgramImage(image)) return readProgram(reader, image, operation, atItsEnd);
  if (kind === 'recording' && image instanceof TraceGuest) return readRecording(reader, image, operation);
  const given = isProgramImage(image)
    ? 'a program'
    : isGuestCode(image)
      ? 'machine code'
      : 'a recording or another guest';
  reader.refuse(`expected ${kind === '' ? 'a guest' : `a ${kind}`}, and '${image.name}' is ${given}`);
  return { guest: undefined, operation };
}

function readProgram(
  reader: JsonReader,
  image: ProgramImage,
  operation: GuestOperation,
  atItsEnd: boolean,
): ResumedGuest {
  reader.only('kind', 'name', 'log', 'underWay');
  reader.member('name').text(Number.POSITIVE_INFINITY);
  const before = reader.problems.length;
  const log = atItsEnd && reader.member('log').data === null ? undefined : readLog(reader.member('log'));
  const underWay = reader.member('underWay').data === null ? undefined : readProgress(reader.member('underWay'));
  if (reader.problems.length > before) return { guest: undefined, operation };
  try {
    const source = image.start();
    return { guest: log === undefined ? source : LoggedGuest.replay(source, log, underWay, operation), operation };
  } catch (error) {
    const where = error instanceof ProgressError ? reader.member('underWay').member(error.member) : reader;
    where.refuse(error instanceof Error ? error.message : String(error));
    return { guest: undefined, operation };
  }
}

/** Machine code by its name, its size and a checksum: a reset puts it in place again. */
export function saveCodeGuest(code: GuestCode): Json {
  const { name, pieces, start } = code;
  const size = pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return { kind: 'code', name, size, start: startOf(start), checksum: checksumOfCode(code) };
}

const startOf = (start: GuestCode['start']): string => (start === 'reset' ? start : start.mode);

/**
 * Whether it is the state of machine code, and no other kind of guest is given. The code must be what was saved. Without any, the
 * state can be looked at, and the processor executes nothing.
 */
export function readCodeGuest(reader: JsonReader, image: GuestImage | undefined): boolean {
  if (reader.member('kind').data !== 'code' || (image !== undefined && !isGuestCode(image))) return false;
  const name = reader.only('kind', 'name', 'size', 'start', 'checksum').member('name').text();
  const size = reader.member('size').integer(0);
  const start = reader.member('start').text();
  const checksum = reader.member('checksum').integer(0);
  if (image === undefined || reader.problems.length > 0) return true;
  if (!isSavedCode({ size, start, checksum }, image))
    reader.refuse(`the machine code '${image.name}' is not what was saved, '${name}'`);
  return true;
}

/** Whether this is the machine code that was saved, by all but its name. */
export function isSavedCode(saved: { readonly [member: string]: unknown }, image: GuestCode): boolean {
  const present = saveCodeGuest(image) as { readonly [member: string]: unknown };
  return ['size', 'start', 'checksum'].every((member) => saved[member] === present[member]);
}

function readRecording(reader: JsonReader, guest: TraceGuest, operation: GuestOperation): ResumedGuest {
  reader.only('kind', 'name', 'length', 'checksum', 'only', 'startAt', 'position', 'done', 'underWay');
  for (const [name, here] of Object.entries(guest.played)) {
    const saved = reader.member(name);
    if (saved.data !== here) saved.refuse(`expected ${JSON.stringify(here)}, found ${describeJson(saved.data)}`);
  }
  const { length } = guest.trace;
  const isSame =
    reader.member('length').integer(0) === length && reader.member('checksum').integer(0) === checksum(guest.trace);
  if (!isSame)
    reader.refuse(`the recording '${guest.name}' is not the one that was saved, '${reader.member('name').text()}'`);
  const position = reader.member('position').integer(-1, length);
  // Those before the position, or fewer: a recording may be played in part.
  const done = reader.member('done').integer(0, Math.min(position + 1, length));
  const underWay = reader.member('underWay').boolean();
  if (!isSame) return { guest: undefined, operation };
  const prepare = () => {
    guest.seek(underWay ? position - 1 : position, underWay ? done - 1 : done);
    if (underWay) operation.finished = !guest.next(operation);
  };
  return { guest, operation, prepare };
}

/** FNV-1a over what is put into memory, and where. */
function checksumOfCode({ pieces, start }: GuestCode): number {
  let sum = 0x811c_9dc5;
  const mix = (value: number) => {
    sum = Math.imul(sum ^ value, 0x0100_0193);
  };
  for (const { address, bytes } of pieces) {
    mix(address);
    for (const byte of bytes) mix(byte);
  }
  for (const character of JSON.stringify(start)) mix(character.charCodeAt(0));
  return sum >>> 0;
}

/** FNV-1a over addresses and values: enough to tell two recordings apart. */
function checksum({ address, value }: RecordedTrace): number {
  let sum = 0x811c_9dc5;
  for (let index = 0; index < address.length; index++) {
    sum = Math.imul(sum ^ (address[index] as number), 0x0100_0193);
    sum = Math.imul(sum ^ (value[index] as number), 0x0100_0193);
  }
  return sum >>> 0;
}
