import { equalBytes } from '../../base/bytes.ts';
import { hex } from '../../base/text.ts';
import type { GuestImage } from '../accelerator.ts';
import { describeOperation, GuestOperation, type GuestSource, OperationKind, TripleFault } from '../guest/operation.ts';
import { type RecordedRun, RunEntry, timeFrom } from './recorded-trace.ts';

/** Where a replayed run does something else than the recorded one. */
export interface RunDifference {
  /** The entry of the recording, from 0. */
  readonly position: number;
  readonly vcpu: number;
  /** 'in8 at 0x71 answered 0x26, recorded 0xa6'. */
  readonly what: string;
}

const MostDifferences = 8;

/** Plays a recorded run on the vCPUs that it was recorded on, and notes where they do something else. */
export class RunScript {
  readonly differences: RunDifference[] = [];
  /** All of them; a few are kept. */
  differed = 0;
  /** Entries that were played. */
  played = 0;
  /** Called now and then with the entries played so far. */
  onProgress: ((played: number) => void) | undefined;
  readonly #cursors: number[];

  constructor(
    readonly run: RecordedRun,
    private readonly vcpus: number,
    private readonly kernel: { readonly guestTime: number },
    private readonly clock: { absolute(time?: number): bigint },
  ) {
    this.#cursors = new Array(this.vcpus).fill(0);
  }

  /** Guest time in nanoseconds since the machine was started. */
  time(): bigint {
    return this.clock.absolute(this.kernel.guestTime);
  }

  /** What each vCPU executes. */
  get guests(): GuestImage[] {
    const { name } = this.run.entries;
    return this.#cursors.map((_, vcpu) => ({ name, start: () => this.#start(vcpu) }));
  }

  /** Index of the next entry of a vCPU; -1 behind its last one. */
  peek(vcpu: number): number {
    const { run } = this;
    const { length } = run.entries;
    let index = this.#cursors[vcpu]!;
    while (index < length && run.vcpu[index] !== vcpu) index++;
    this.#cursors[vcpu] = index;
    return index < length ? index : -1;
  }

  /** Operations in the recording: each element of a string is one. */
  get operations(): number {
    const { kind, value, length } = this.run.entries;
    let sum = 0;
    for (let index = 0; index < length; index++) {
      const isString = kind[index] === OperationKind.RepOuts || kind[index] === OperationKind.RepIns;
      if (kind[index]! < RunEntry.Interrupt) sum += isString ? Math.max(1, value[index]!) : 1;
    }
    return sum;
  }

  /** Some vCPU has not done all that it did. */
  get goesOn(): boolean {
    return this.#cursors.some((_, vcpu) => this.peek(vcpu) >= 0);
  }

  take(vcpu: number): void {
    this.#cursors[vcpu]!++;
    if (++this.played % ProgressEvery === 0) this.onProgress?.(this.played);
  }

  differs(position: number, vcpu: number, what: string): void {
    this.differed++;
    if (this.differences.length < MostDifferences) this.differences.push({ position, vcpu, what });
  }

  /** With several vCPUs, a line has the time at which it was written. */
  checkTime(index: number, second: number): void {
    if (this.vcpus > 1) return;
    const [recorded, now] = [timeFrom(this.run.entries, index, second), this.kernel.guestTime];
    if (recorded !== now) this.differs(index, 0, `it begins ${now - recorded} ns later than recorded`);
  }

  /** A second start follows a reset: what the guest did after it comes next. */
  #start(vcpu: number): GuestSource {
    const { kind } = this.run.entries;
    if (this.#cursors[vcpu]! > 0) {
      let index = this.peek(vcpu);
      while (index >= 0 && kind[index] !== RunEntry.Restart) {
        this.#cursors[vcpu]!++;
        index = this.peek(vcpu);
      }
      if (index >= 0) this.take(vcpu);
    }
    return new RunGuest(this, vcpu);
  }
}

const ProgressEvery = 10_000;

/** What an interrupt handler has interrupted. */
interface Interrupted {
  readonly operation: GuestOperation;
  /** The entry of the operation, and how many bytes of its string were compared. */
  readonly entry: number;
  readonly compared: number;
  /** The interrupt is not in the recording: its handler returns at once. */
  isForeign: boolean;
}

/** One vCPU of a recorded run: its operations, its interrupts where they were taken. */
class RunGuest implements GuestSource {
  readonly name: string;
  /** The entry of the operation that the vCPU has; -1 for none. */
  #entry = -1;
  #compared = 0;
  #second = 0;
  readonly #interrupted: Interrupted[] = [];

  constructor(
    private readonly script: RunScript,
    private readonly vcpu: number,
  ) {
    this.name = script.run.entries.name;
  }

  get whereabouts(): string {
    const { length } = this.script.run.entries;
    return `Recording '${this.name}' at line ${Math.min(this.#entry + 1, length)} of ${length}`;
  }

  countFrom(epoch: bigint): void {
    this.#second = Number(epoch);
  }

  next(operation: GuestOperation): boolean {
    this.#compareRead(operation);
    if (operation.kind === OperationKind.InterruptReturn && this.#resume(operation)) return true;
    const top = this.#interrupted.at(-1);
    if (top?.isForeign === true) {
      top.isForeign = false;
      operation.kind = OperationKind.InterruptReturn;
      return true;
    }
    return this.#fetch(operation);
  }

  /** The devices ask for interrupts as they did when the run was recorded: each is compared. */
  interrupt(vector: number, operation: GuestOperation): void {
    const { script, vcpu } = this;
    this.#compareRead(operation);
    if (operation.kind === OperationKind.InterruptReturn && operation.finished) this.#resume(operation);
    this.#skipRest(operation);
    const { kind, address } = script.run.entries;
    const index = script.peek(vcpu);
    const isRecorded = index >= 0 && kind[index] === RunEntry.Interrupt && address[index] === vector;
    if (isRecorded) script.take(vcpu);
    else script.differs(Math.max(index, 0), vcpu, `interrupt ${hex(vector)} comes, which is not in the recording`);
    const after = isRecorded ? script.peek(vcpu) : -1;
    if (after >= 0 && kind[after] === RunEntry.Fault) {
      script.take(vcpu);
      const where = `Recording '${this.name}': interrupt ${hex(vector)}`;
      throw new TripleFault(
        'unhandled-interrupt',
        `${where} came, and the recorded guest could not take it: the processor has shut down (triple fault).`,
      );
    }
    this.#push(operation, !isRecorded);
    operation.kind = OperationKind.None;
    this.#entry = -1;
  }

  #fetch(operation: GuestOperation): boolean {
    const { script, vcpu } = this;
    const { kind, address } = script.run.entries;
    while (true) {
      this.#skipRest(operation);
      const index = script.peek(vcpu);
      // The machine was reset here, and in the replay it was not.
      if (index < 0 || kind[index] === RunEntry.Restart) return false;
      script.take(vcpu);
      const what = kind[index]!;
      if (what === RunEntry.Interrupt) {
        script.differs(index, vcpu, `interrupt ${hex(address[index]!)} was taken here, and does not come`);
        this.#push(operation, false);
      } else if (what < RunEntry.Interrupt) {
        this.#fill(operation, index);
        script.checkTime(index, this.#second);
        return true;
      }
    }
  }

  #fill(operation: GuestOperation, index: number): void {
    const { kind, address, size, value, valueHigh } = this.script.run.entries;
    this.#entry = index;
    this.#compared = 0;
    operation.kind = kind[index] as OperationKind;
    operation.at = -1;
    operation.address = address[index]!;
    operation.size = size[index]!;
    operation.value = value[index]!;
    operation.valueHigh = valueHigh[index]!;
    if (operation.kind === OperationKind.Pause) operation.duration = address[index]!;
    const string = this.script.run.strings.get(index);
    if (string === undefined) return;
    operation.count = value[index]!;
    operation.position = 0;
    operation.bytes = operation.kind === OperationKind.RepOuts ? string.bytes : undefined;
    operation.destination = string.destination ?? 0;
    operation.descending = string.descending ?? false;
    operation.stored = string.destination !== undefined;
  }

  #push(operation: GuestOperation, isForeign: boolean): void {
    const copy = new GuestOperation();
    copy.copyFrom(operation);
    this.#interrupted.push({ operation: copy, entry: this.#entry, compared: this.#compared, isForeign });
  }

  /** A handler returns: what it interrupted stands in the processor again. True if that was not finished. */
  #resume(operation: GuestOperation): boolean {
    const interrupted = this.#interrupted.pop();
    if (interrupted === undefined) return false;
    operation.copyFrom(interrupted.operation);
    this.#entry = operation.finished ? -1 : interrupted.entry;
    this.#compared = interrupted.compared;
    return !operation.finished;
  }

  /** Compares what the operation that is done has read with what it read when it was recorded. */
  #compareRead(operation: GuestOperation): void {
    const index = this.#entry;
    if (index < 0) return;
    const { kind, value, valueHigh, size } = this.script.run.entries;
    const what = kind[index]!;
    if (what === OperationKind.RepIns) this.#compareString(operation, index);
    if (!operation.finished) return;
    this.#entry = -1;
    if (what !== OperationKind.In && what !== OperationKind.Load) return;
    const high = size[index] === 8 ? operation.valueHigh : 0;
    if (operation.value === value[index] && high === valueHigh[index]) return;
    const shown = (low: number, upper: number) => hex(Number((BigInt(upper) << 32n) | BigInt(low)));
    this.script.differs(
      index,
      this.vcpu,
      `${describeOperation(operation)} answers ${shown(operation.value, high)}, recorded ${shown(value[index]!, valueHigh[index]!)}`,
    );
  }

  #compareString(operation: GuestOperation, index: number): void {
    if (this.#compared > 0) return;
    this.#compareBytes(operation, index, index);
  }

  /** The rest of a string that was interrupted follows what interrupted it. */
  #skipRest(operation: GuestOperation): void {
    const { script, vcpu } = this;
    const { kind } = script.run.entries;
    for (let index = script.peek(vcpu); index >= 0 && kind[index] === RunEntry.Rest; index = script.peek(vcpu)) {
      script.take(vcpu);
      if (operation.kind === OperationKind.RepIns) this.#compareBytes(operation, index, index);
    }
  }

  #compareBytes(operation: GuestOperation, index: number, position: number): void {
    const recorded = this.script.run.strings.get(index)?.bytes ?? new Uint8Array(0);
    const read = operation.bytes?.subarray(this.#compared, this.#compared + recorded.length) ?? new Uint8Array(0);
    this.#compared += recorded.length;
    if (equalBytes(read, recorded)) return;
    this.script.differs(position, this.vcpu, `${describeOperation(operation)} answers other bytes than recorded`);
  }
}
