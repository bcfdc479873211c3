import { BackplaneError } from '../../base/errors.ts';
import { counted, hex } from '../../base/text.ts';
import { describeInto, GuestLog, InterruptEntry, type LogEntry, newEntry, type Progress, reads } from './log.ts';
import { describeOperation, type GuestOperation, type GuestSource, OperationKind } from './operation.ts';

/** A snapshot has progress that an operation cannot have made. `member` names the wrong member. */
export class ProgressError extends BackplaneError {
  constructor(
    readonly member: string,
    problem: string,
  ) {
    super('guest-differs', problem);
  }
}

/** Runs a program and keeps its log: each operation once it is done, with what it read, and each interrupt. */
export class LoggedGuest implements GuestSource {
  readonly name: string;
  readonly log: GuestLog;
  readonly #source: GuestSource;
  /** The operation that the processor has: what was asked for. Its outcome is known when the next one is fetched. */
  readonly #entry = newEntry();
  #handedOut = false;

  constructor(source: GuestSource, log = new GuestLog()) {
    this.name = source.name;
    this.#source = source;
    this.log = log;
  }

  next(operation: GuestOperation): boolean {
    this.complete(operation);
    this.#handedOut = this.#source.next(operation);
    if (this.#handedOut) describeInto(this.#entry, operation);
    return this.#handedOut;
  }

  interrupt(vector: number, operation: GuestOperation): void {
    this.complete(operation);
    const entry = newEntry();
    entry.kind = InterruptEntry;
    entry.address = vector;
    if (this.#handedOut) entry.progress = progressOf(operation);
    this.#handedOut = false;
    this.log.add(entry);
    this.#source.interrupt(vector, operation);
  }

  /** Logs the operation that the processor has, if it is done. */
  complete(operation: GuestOperation): void {
    if (!this.#handedOut || !operation.finished) return;
    this.#handedOut = false;
    const entry = this.#entry;
    if (reads(entry.kind)) {
      entry.value = operation.value;
      entry.valueHigh = entry.size === 8 ? operation.valueHigh : 0;
    } else if (entry.kind === OperationKind.RepIns) entry.bytes = operation.bytes?.slice();
    this.log.add(entry);
  }

  /** How far the processor has come with the operation that it has; undefined between two operations. */
  underWay(operation: GuestOperation): Progress | undefined {
    return this.#handedOut && !operation.finished ? progressOf(operation) : undefined;
  }

  /**
   * Brings a fresh start of the program to where a log ends: its generator gets what it read then, and touches nothing. The
   * processor's operation is as it was. A program that asks for something else than the log has is another one.
   */
  static replay(
    source: GuestSource,
    log: GuestLog,
    underWay: Progress | undefined,
    operation: GuestOperation,
  ): LoggedGuest {
    const replay = new LoggedGuest(source, log);
    let done = 0;
    for (const entry of log.entries()) {
      for (let time = 0; time < entry.repeated; time++) {
        if (entry.kind === InterruptEntry) replay.#replayInterrupt(entry, operation, done);
        else {
          replay.#fetch(entry, operation, done);
          finish(operation, entry);
        }
        done++;
      }
    }
    if (underWay !== undefined) {
      replay.#fetch(undefined, operation, done);
      resume(operation, underWay);
      replay.#handedOut = true;
    }
    return replay;
  }

  #replayInterrupt({ address: vector, progress }: LogEntry, operation: GuestOperation, done: number): void {
    if (progress !== undefined) {
      this.#fetch(undefined, operation, done);
      try {
        resume(operation, progress);
      } catch (cause) {
        throw this.#different(done, `is interrupted where it cannot be (${(cause as Error).message})`, cause);
      }
    }
    try {
      this.#source.interrupt(vector, operation);
    } catch (cause) {
      throw this.#different(done, `cannot take interrupt ${hex(vector)}`, cause);
    }
    operation.finished = true;
  }

  /** The next operation, which must be the one that the log has; without an entry any will do. */
  #fetch(entry: LogEntry | undefined, operation: GuestOperation, done: number): void {
    let isThere: boolean;
    try {
      isThere = this.#source.next(operation);
    } catch (cause) {
      throw this.#different(done, 'throws', cause);
    }
    if (!isThere) throw this.#different(done, 'ends');
    const asked = this.#entry;
    describeInto(asked, operation);
    if (entry === undefined) return;
    const sameValue = reads(entry.kind) || (asked.value === entry.value && asked.valueHigh === entry.valueHigh);
    const same = asked.kind === entry.kind && asked.address === entry.address && asked.size === entry.size;
    if (same && sameValue && asked.count === entry.count) return;
    throw this.#different(done, `does something else (${describeOperation(operation)})`);
  }

  #different(done: number, what: string, cause?: unknown): BackplaneError {
    return new BackplaneError(
      'guest-differs',
      `guest program '${this.name}' ${what} at operation ${done + 1}, and the snapshot was made of one that did not. ` +
        'Restore with the program that was saved, which must not depend on anything but what it reads.',
      cause === undefined ? {} : { cause },
    );
  }
}

/** The object of a vCPU still holds what other operations left in it: only what this one uses counts. */
function progressOf({ position, duration, bytes, kind }: GuestOperation): Progress {
  const isPause = kind === OperationKind.Pause;
  return {
    position: isPause ? 0 : position,
    // As the processor spends it: the rest of a fraction takes a whole nanosecond.
    duration: isPause ? Math.ceil(duration) : 0,
    bytes: kind === OperationKind.RepIns ? bytes?.slice() : undefined,
  };
}

function finish(operation: GuestOperation, entry: LogEntry): void {
  if (reads(entry.kind)) {
    operation.value = entry.value;
    operation.valueHigh = entry.valueHigh;
  } else if (entry.kind === OperationKind.RepIns) operation.bytes = entry.bytes?.slice() ?? new Uint8Array(0);
  operation.position = operation.count;
  operation.finished = true;
}

function resume(operation: GuestOperation, { position, duration, bytes }: Progress): void {
  const isString = operation.kind === OperationKind.RepOuts || operation.kind === OperationKind.RepIns;
  const last = isString ? operation.count : 0;
  if (position > last)
    throw new ProgressError('position', `expected a whole number from 0 to ${last}, found ${position}`);
  const room = operation.kind === OperationKind.RepIns ? operation.count * operation.size : 0;
  const found = bytes?.length ?? 0;
  if (found !== room) throw new ProgressError('bytes', `expected ${counted(room, 'byte')} in base64, found ${found}`);
  operation.position = position;
  operation.duration = duration;
  if (bytes !== undefined) operation.bytes = bytes.slice();
  operation.finished = false;
}
