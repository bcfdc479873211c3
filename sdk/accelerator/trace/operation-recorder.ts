import type { GuestImage } from '../accelerator.ts';
import { type GuestOperation, type GuestSource, OperationKind, refuseOperation } from '../guest/operation.ts';
import { faultLine, interruptLine, operationLine, restartLine, restLine, stringRead, vcpuLine } from './run-lines.ts';

/** Where the lines of a recording go. Each ends with a line end. */
export interface RecordingSink {
  write(line: string): void;
}

/** A guest program: what can be recorded. */
export type RecordableProgram = Extract<GuestImage, { start(): GuestSource }>;

/** What one vCPU does, of which something may not be written yet. */
export interface RecordedVcpu {
  /** It is in the middle of an operation. */
  readonly isUnderWay: boolean;
  /** Writes the operation as far as it has come. False: it is a read that has no answer yet. */
  flush(how?: 'even without its answer'): boolean;
}

/**
 * Writes down what guest programs do, operation by operation. It stands between each program and its vCPU, and changes nothing. An
 * operation is written when it is done, or when something else comes in the middle of it.
 */
export class OperationRecorder {
  #last: RecordedVcpu | undefined;
  #vcpu = 0;
  /** Guests of which something may not be written yet. */
  readonly #guests: (RecordedVcpu | undefined)[] = [];
  /** Lines that wait until an access has its answer. */
  #held: string[] = [];

  /** The time of the last line: time never goes back. */
  #written = 0n;

  /** `time` answers the guest time now, in nanoseconds since the machine was started. */
  constructor(
    private readonly sink: RecordingSink,
    private readonly time: () => bigint,
  ) {}

  /** The program, recorded. */
  of(program: RecordableProgram, vcpu: number): RecordableProgram {
    const start = () => {
      const isRestart = this.#guests[vcpu] !== undefined;
      const guest = new RecordedGuest(program.start(), this, vcpu);
      if (isRestart) {
        this.turnTo(undefined);
        this.write(vcpu, restartLine);
      }
      this.#guests[vcpu] = guest;
      return guest;
    };
    return { name: program.name, start };
  }

  /** The first vCPU executes machine code: this writes down what it does. */
  follow(code: RecordedVcpu): void {
    this.#guests[0] = this.#last = code;
  }

  /** Writes a line about something else, behind the operation that the guests are in. */
  note(text: string): void {
    this.noteLine(`${this.time()} ${text}\n`);
  }

  /** The same, of a whole line. */
  noteLine(line: string): void {
    if (this.turnTo(undefined)) this.sink.write(line);
    else this.#held.push(line);
  }

  /** The guest that did something last is in the middle of an operation. */
  get isUnderWay(): boolean {
    return this.#last?.isUnderWay ?? false;
  }

  /** Writes all that is not written. */
  end(): void {
    this.turnTo(undefined);
    for (const guest of this.#guests) guest?.flush('even without its answer');
    this.release();
  }

  /** Another guest goes on: what the last one did is written. False: it waits for the answer to a read. @internal */
  turnTo(guest: RecordedVcpu | undefined): boolean {
    if (guest === this.#last) return true;
    const isWritten = this.#last?.flush() ?? true;
    if (guest !== undefined) this.#last = guest;
    return isWritten;
  }

  /** @internal */
  write(vcpu: number, text: string, begun = this.time()): void {
    if (begun > this.#written) this.#written = begun;
    const time = this.#written;
    if (vcpu !== this.#vcpu) {
      this.#vcpu = vcpu;
      this.sink.write(`${time} ${vcpuLine(vcpu)}\n`);
    }
    this.sink.write(`${time} ${text}\n`);
    if (this.#held.length > 0) this.release();
  }

  /** @internal */
  now(): bigint {
    return this.time();
  }

  private release(): void {
    for (const line of this.#held.splice(0)) this.sink.write(line);
  }
}

/** Stands between a program and its vCPU. */
class RecordedGuest implements GuestSource, RecordedVcpu {
  readonly name: string;
  #operation: GuestOperation | undefined;
  /** The vCPU has an operation, which began at this time. */
  #isOpen = false;
  #begun = 0n;
  /** Of a pause: what it takes, before any of it has passed. */
  #duration = 0;
  /** Its line is written, with so many of the bytes that it reads. */
  #isWritten = false;
  #writtenBytes = 0;

  constructor(
    private readonly source: GuestSource,
    private readonly recorder: OperationRecorder,
    private readonly vcpu: number,
  ) {
    this.name = source.name;
  }

  next(operation: GuestOperation): boolean {
    const { recorder } = this;
    recorder.turnTo(this);
    this.flush();
    const goesOn = this.source.next(operation);
    this.#operation = operation;
    if (!goesOn) return false;
    // An interrupted operation goes on: its line is written.
    const isResumed = !operation.finished;
    if (!isResumed && refuseOperation(operation) !== undefined) return true;
    this.#open(isResumed);
    return true;
  }

  interrupt(vector: number, operation: GuestOperation): void {
    const { recorder } = this;
    recorder.turnTo(this);
    this.flush();
    this.#isOpen = false;
    recorder.write(this.vcpu, interruptLine(vector));
    try {
      this.source.interrupt(vector, operation);
    } catch (cause) {
      recorder.write(this.vcpu, faultLine);
      throw cause;
    }
  }

  /** Its vCPU has an operation that takes time, or a string, and has not finished it. */
  get isUnderWay(): boolean {
    return this.#isOpen && this.#operation?.finished === false;
  }

  /** Writes the operation as far as it has come. False: it is a read that has no answer yet. */
  flush(how?: 'even without its answer'): boolean {
    const operation = this.#operation;
    if (!this.#isOpen || operation === undefined) return true;
    const { kind, finished } = operation;
    if (!finished && how === undefined && (kind === OperationKind.In || kind === OperationKind.Load)) return false;
    if (!this.#isWritten) this.recorder.write(this.vcpu, operationLine(operation, this.#duration), this.#begun);
    else if (kind === OperationKind.RepIns) this.#writeRest(operation);
    if (kind === OperationKind.RepIns) this.#writtenBytes = operation.position * operation.size;
    this.#isWritten = true;
    if (finished) this.#isOpen = false;
    return true;
  }

  #open(isWritten: boolean): void {
    const operation = this.#operation as GuestOperation;
    this.#isOpen = true;
    this.#isWritten = isWritten;
    this.#writtenBytes = isWritten ? operation.position * operation.size : 0;
    this.#begun = this.recorder.now();
    this.#duration = operation.duration;
  }

  #writeRest(operation: GuestOperation): void {
    const rest = stringRead(operation, this.#writtenBytes);
    if (rest.length > 0) this.recorder.write(this.vcpu, restLine(rest));
  }
}
