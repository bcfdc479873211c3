import { SECOND } from '../../clock/time.ts';
import { type GuestOperation, type GuestSource, OperationKind } from '../guest/operation.ts';
import { type RecordedTrace, timeFrom } from './recorded-trace.ts';

export interface TraceGuestOptions {
  /** Which accesses are made; the others are left out. */
  readonly only?: 'ports' | 'memory';
  /** Guest time of the recording's time 0, in whole nanoseconds since the machine was started; a bigint beyond 2^53. */
  readonly startAt?: number | bigint;
  /** Called with the accesses made so far, every `progressEvery` (10,000) of them and at the end. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly progressEvery?: number;
}

const DefaultProgress = 10_000;

/**
 * A guest that makes the accesses of a recording, each at its recorded time. It keeps interrupts disabled: what the recorded
 * guest did in its handlers is in the recording already.
 */
export class TraceGuest implements GuestSource {
  readonly name: string;
  readonly trace: RecordedTrace;
  /** Index of the access under way; -1 before the first, the length of the trace after the last. */
  position = -1;
  readonly #startAt: bigint;
  /** The recording's second from which times are counted, and the nanoseconds of guest time that had passed of it. */
  #second = 0;
  #startPart = 0;
  readonly #only: 'ports' | 'memory' | undefined;
  readonly #onProgress: ((done: number, total: number) => void) | undefined;
  readonly #progressEvery: number;
  #done = 0;

  constructor(trace: RecordedTrace, options: TraceGuestOptions = {}) {
    this.name = trace.name;
    this.trace = trace;
    this.#startAt = BigInt(options.startAt ?? 0);
    this.#countFrom(0n);
    this.#only = options.only;
    this.#onProgress = options.onProgress;
    this.#progressEvery = Math.max(1, options.progressEvery ?? DefaultProgress);
  }

  /** What the access under way wrote or read when it was recorded: the low 32 bits, and the high ones of 8 bytes. */
  get value(): number {
    return this.trace.value[this.position] ?? 0;
  }

  get valueHigh(): number {
    return this.trace.valueHigh[this.position] ?? 0;
  }

  get whereabouts(): string {
    const { length } = this.trace;
    return `Recording '${this.name}' at access ${Math.min(this.position + 1, length)} of ${length}`;
  }

  get done(): number {
    return this.#done;
  }

  /** Which part of the recording is played, and from when on. A snapshot compares it. */
  get played(): { readonly only: 'ports' | 'memory' | 'all'; readonly startAt: string } {
    return { only: this.#only ?? 'all', startAt: String(this.#startAt) };
  }

  countFrom(epoch: bigint, operation?: GuestOperation): void {
    this.#countFrom(epoch);
    if (operation === undefined) return;
    const isUnderWay = !operation.finished && this.position >= 0 && this.position < this.trace.length;
    if (isUnderWay) operation.at = this.timeAt(this.position);
  }

  /** Goes on behind the access at `position`, as if all up to it had been made: for a restored machine. */
  seek(position: number, done: number): void {
    this.position = position;
    this.#done = done;
  }

  next(operation: GuestOperation): boolean {
    const { trace } = this;
    const index = this.#nextIndex();
    this.position = index;
    if (index === trace.length) {
      this.#onProgress?.(this.#done, trace.length);
      return false;
    }
    this.#done++;
    if (this.#onProgress !== undefined && this.#done % this.#progressEvery === 0) {
      this.#onProgress(this.#done, trace.length);
    }
    operation.kind = trace.kind[index] as OperationKind;
    operation.address = trace.address[index]!;
    operation.size = trace.size[index]!;
    operation.value = trace.value[index]!;
    operation.valueHigh = trace.valueHigh[index]!;
    operation.at = this.timeAt(index);
    return true;
  }

  /** Never called: interrupts stay disabled from beginning to end. */
  interrupt(): void {}

  /** Guest time of an access, as the machine's clock counts. One whose time has passed is made at once: it has time 0. */
  timeAt(index: number): number {
    return Math.max(0, timeFrom(this.trace, index, this.#second) + this.#startPart);
  }

  #countFrom(epoch: bigint): void {
    const second = BigInt(SECOND);
    this.#second = Number(epoch - this.#startAt / second);
    this.#startPart = Number(this.#startAt % second);
  }

  #nextIndex(): number {
    const { length, kind } = this.trace;
    let index = Math.min(this.position + 1, length);
    if (this.#only === undefined) return index;
    const wantsPorts = this.#only === 'ports';
    while (index < length && (kind[index] === OperationKind.Out || kind[index] === OperationKind.In) !== wantsPorts)
      index++;
    return index;
  }
}
