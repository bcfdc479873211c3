import { type GuestOperation, OperationKind } from '../../accelerator/guest/operation.ts';
import type { ProcessorBus } from '../../accelerator/kvm/simulated-kernel/processor.ts';
import { AccessList, LargestPiece, MostAnswered } from './access-list.ts';
import { answerCpuid, FirstRandom, nextRandom } from './cpuid.ts';
import { extended, type GuestState } from './guest-state.ts';
import { readTimeStamp } from './model-specific-registers.ts';
import { At } from './state-layout.ts';
import type { ProcessorRequests } from './wasm-instance.ts';

/** Thrown through the module: the instruction begins again when its first accesses have been answered. */
export const Again = Symbol('the instruction begins again');
/** Thrown through the module: more accesses than an instruction has, as where a fault faults for ever. */
export const Endless = Symbol('an instruction without end');

const PageSize = 4096;
const NoTarget = -1;
/** E4 E5 EC ED and E6 E7 EE EF; all others that access ports are strings. */
const isIn = (opcode: number): boolean => (opcode & 0xf6) === 0xe4;
const isOut = (opcode: number): boolean => (opcode & 0xf6) === 0xe6;

/**
 * Turns accesses in the middle of an instruction into exits, as `ioctl(KVM_RUN)` has them: the processor has always come back.
 *
 * - OUT, IN, stores and plain loads are *completed, then stopped*. The instruction ends with a value of 0, and the device's answer
 *   goes into the register afterwards.
 * - All other loads *begin again*: a throw unwinds the module, userspace answers, and the instruction runs once more. Its accesses
 *   so far are in a list. Each is answered from there, and not made a second time.
 * - Arithmetic is *squashed* instead, since a throw takes long. It ends with a value of 0, and what it has done is undone.
 */
export class Exits implements ProcessorRequests {
  /** Accesses that userspace has to see, oldest first. */
  readonly queue = new AccessList();
  shown = 0;
  /** What the instruction under way has accessed. After a throw the first of them are answered from here. */
  readonly log = new AccessList();
  #replayed = 0;
  /** The instruction that the log is of: its number. */
  #logOf = NaN;
  readonly load = { target: NoTarget, width: 4, signFrom: 0 };
  /** Elements that INS has got, and those that OUTS gives. */
  input: Uint8Array | undefined;
  #inputAt = 0;
  readonly #output = new Uint8Array(4 * LargestPiece);
  #outputLength = 0;
  /** Elements of a string that the next run does; 0: it is no string, or all of them. */
  piece = 0;
  /** The instruction, or the interrupt, begins again at the next entry. */
  beginsAgain = false;
  /** An interrupt is taken, and no instruction executed. */
  injecting = false;
  /** Whether to stop where an interrupt could be taken. */
  watchesWindow = false;
  windowOpened = false;
  sliceEnded = false;
  /** Accesses to memory that the bus has answered in this entry: enough of them end it. */
  answered = 0;
  lastWords = '';
  randomState = FirstRandom;
  longString = (): void => {};

  constructor(
    private readonly state: GuestState,
    private readonly bus: ProcessorBus,
  ) {}

  get hasQueued(): boolean {
    return this.shown < this.queue.count;
  }

  now(): number {
    return this.bus.now();
  }

  random(): number {
    this.randomState = nextRandom(this.randomState);
    return this.randomState;
  }

  identify(): void {
    answerCpuid(this.state.words);
  }

  readTimeStamp(): boolean {
    return readTimeStamp(this.state, this.bus.now());
  }

  panic(text: string): void {
    this.lastWords = text;
  }

  sliceEnds(): void {
    const { bytes } = this.state;
    if (bytes[At.halted] !== 0) return;
    bytes[At.halted] = 1;
    this.sliceEnded = true;
  }

  interruptible(): void {
    if (!this.watchesWindow || this.sliceEnded || this.state.bytes[At.halted] !== 0) return;
    this.windowOpened = true;
    this.state.stop();
  }

  readPort(port: number, size: number): number {
    if (!isIn(this.state.firstByte()) && this.state.decodeCurrent().isIns) return this.#readString(port, size);
    this.#complete(At.registers, size, 0);
    this.#ask(OperationKind.In, port, size, 0, 0);
    return 0;
  }

  writePort(port: number, size: number, value: number): void {
    if (!isOut(this.state.firstByte()) && this.state.decodeCurrent().isOuts) this.#writeString(port, size, value);
    else if (!this.bus.portWrite(port, size, value)) this.#ask(OperationKind.Out, port, size, value, 0);
  }

  readMemory(address: number, size: number): number {
    const { bus, state } = this;
    if (state.isSquashed) return 0;
    this.#follow();
    if (this.#isReplayed(OperationKind.Load, address, size)) return this.log.low(this.#replayed++);
    if (bus.memoryRead(address, size)) {
      this.#noteAnswered();
      this.#note(OperationKind.Load, address, size, bus.low, 0);
      return bus.low;
    }
    const isFirst = this.log.count === 0 && !this.injecting && !this.hasQueued;
    if (isFirst && this.#completesLoad(size)) {
      this.#ask(OperationKind.Load, address, size, 0, 0);
      return 0;
    }
    const isSquashed = isFirst && state.instruction.isArithmetic(size);
    if (!isSquashed && !this.injecting && state.decodeCurrent().isRepeated) this.piece = 1;
    if (this.#outputLength > 0) this.queue.count = this.shown = this.#outputLength = 0;
    this.#note(OperationKind.Load, address, size, 0, 0);
    this.#ask(OperationKind.Load, address, size, 0, 0);
    if (!isSquashed) throw Again;
    state.squash();
    if (!this.beginsAgain) state.keep();
    return 0;
  }

  writeMemory(address: number, size: number, low: number, high: number): void {
    if (this.state.isSquashed) return;
    this.#follow();
    if (this.#isReplayed(OperationKind.Store, address, size)) {
      this.#replayed++;
      return;
    }
    // Behind a store that has to wait for userspace, each one waits: their order is the guest's.
    const isTaken = !this.hasQueued && this.bus.memoryWrite(address, size, low, high);
    this.#note(OperationKind.Store, address, size, low, high);
    if (isTaken) this.#noteAnswered();
    else this.#ask(OperationKind.Store, address, size, low, high);
  }

  /** The next access for userspace. */
  show(operation: GuestOperation): void {
    this.queue.describe(this.shown, operation);
    operation.position = 0;
    operation.finished = false;
    operation.bytes = undefined;
    if (operation.kind === OperationKind.RepOuts) {
      operation.count = this.#outputLength / operation.size;
      operation.bytes = this.#output.slice(0, this.#outputLength);
      operation.destination = 0;
      this.#outputLength = 0;
    } else if (operation.kind === OperationKind.RepIns) {
      operation.count = operation.value;
      operation.destination = operation.valueHigh;
      operation.descending = this.state.isDescending;
      operation.stored = false;
    }
    this.shown++;
    if (!this.hasQueued) this.queue.count = this.shown = 0;
  }

  /** What userspace has answered goes into the register, or to the instruction that begins again. */
  answer(operation: GuestOperation): void {
    if (operation.kind === OperationKind.RepIns) this.input = operation.bytes;
    else if (this.load.target === NoTarget) this.log.setValue(this.log.count - 1, operation.value, 0);
    else {
      const value = operation.size === 4 ? operation.value : operation.value & (operation.size === 1 ? 0xff : 0xffff);
      this.state.setRegister(this.load.target, this.load.width, extended(value, this.load.signFrom));
      this.load.target = NoTarget;
    }
  }

  /** The run ends behind the instruction under way. */
  endRun(): void {
    this.sliceEnded = true;
    this.state.stop();
  }

  /** Before each run. */
  begin(): void {
    this.windowOpened = this.sliceEnded = false;
    this.#replayed = this.#inputAt = 0;
  }

  /** What began again has ended: its accesses are of the past. */
  forget(): void {
    this.#logOf = NaN;
    this.log.count = 0;
    this.input = undefined;
    this.piece = 0;
    this.beginsAgain = this.injecting = false;
  }

  /** The instruction under way is the one that the log is of. */
  follows(): void {
    this.#logOf = this.state.executed;
  }

  reset(): void {
    this.forget();
    this.queue.count = this.shown = this.#outputLength = 0;
    this.load.target = NoTarget;
    this.randomState = FirstRandom;
    this.lastWords = '';
    this.begin();
  }

  #follow(): void {
    if (this.state.executed !== this.#logOf) {
      this.follows();
      this.log.count = this.#replayed = 0;
    }
    const isWhole = this.piece === 0 || this.piece > LargestPiece;
    if (this.log.count > 0 || !isWhole || this.injecting || !this.state.hasPrefix()) return;
    // A long string of accesses to devices comes back now and then.
    if (this.state.decodeCurrent().count <= LargestPiece) return;
    this.piece = LargestPiece;
    throw Again;
  }

  /** A DMA between the two runs may have changed what the instruction accesses: what differs is made anew. */
  #isReplayed(kind: OperationKind, address: number, size: number): boolean {
    if (this.#replayed === this.log.count) return false;
    if (this.log.is(this.#replayed, kind, address, size)) return true;
    this.log.count = this.#replayed;
    return false;
  }

  #note(kind: OperationKind, address: number, size: number, low: number, high: number): void {
    if (!this.log.add(kind, address, size, low, high)) throw Endless;
    this.#replayed = this.log.count;
  }

  #noteAnswered(): void {
    if (++this.answered < MostAnswered) return;
    this.endRun();
  }

  #ask(kind: OperationKind, address: number, size: number, low: number, high: number): void {
    if (!this.queue.add(kind, address, size, low, high)) throw Endless;
    this.state.stop();
  }

  #completesLoad(size: number): boolean {
    const instruction = this.state.decodeCurrent();
    const target = instruction.loadTarget(size);
    if (target === NoTarget) return false;
    this.#complete(target, instruction.loadWidth, instruction.extendsSign ? size : 0);
    return true;
  }

  #complete(target: number, width: number, signFrom: number): void {
    this.load.target = target;
    this.load.width = width;
    this.load.signFrom = signFrom;
  }

  #readString(port: number, size: number): number {
    if (this.input === undefined) {
      const { instruction, destination, isDescending } = this.state;
      const offset = destination % PageSize;
      const inPage = isDescending ? Math.floor(offset / size) + 1 : Math.floor((PageSize - offset) / size);
      const count = Math.max(1, Math.min(instruction.count, LargestPiece, inPage));
      if (instruction.isRepeated) this.piece = count;
      this.#ask(OperationKind.RepIns, port, size, count, destination);
      throw Again;
    }
    let value = 0;
    for (let byte = size - 1; byte >= 0; byte--) value = (value << 8) | (this.input[this.#inputAt + byte] ?? 0xff);
    this.#inputAt += size;
    return value;
  }

  #writeString(port: number, size: number, value: number): void {
    if (this.#outputLength === 0) {
      if ((this.piece === 0 || this.piece > LargestPiece) && this.state.instruction.count > LargestPiece) {
        this.piece = LargestPiece;
        throw Again;
      }
      this.#ask(OperationKind.RepOuts, port, size, 0, 0);
    }
    if (this.#outputLength + size > this.#output.length) throw Endless;
    for (let byte = 0; byte < size; byte++) this.#output[this.#outputLength++] = value >>> (8 * byte);
  }
}
