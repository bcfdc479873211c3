import type { GuestOperation } from '../../accelerator/guest/operation.ts';
import { SpecialRegisters } from '../../accelerator/kvm/abi.ts';
import { registersAfterReset, specialRegistersAfterReset } from '../../accelerator/kvm/reset-values.ts';
import {
  type Processor,
  type ProcessorBus,
  Stop,
  type StopValue,
} from '../../accelerator/kvm/simulated-kernel/processor.ts';
import type { BackplaneError } from '../../base/errors.ts';
import type { Json, JsonReader } from '../../base/json-reader.ts';
import { count, hex } from '../../base/text.ts';
import { MostAnswered } from './access-list.ts';
import { Again, Endless, Exits } from './exits.ts';
import { type Failure, failureOf, isOutsideMemory, outsideMemory } from './failures.ts';
import { getFpu, setFpu } from './fpu-struct.ts';
import { GuestState } from './guest-state.ts';
import { mayLoadStackSegment } from './instruction.ts';
import type { LowMemory } from './low-memory.ts';
import { getMsr, setMsr } from './model-specific-registers.ts';
import { getRegisters, getSpecialRegisters, setRegisters, setSpecialRegisters } from './register-structs.ts';
import { readState, saveState } from './saved-state.ts';
import { At, Segments } from './state-layout.ts';
import { StringPieces } from './string-pieces.ts';
import type { WasmInstance } from './wasm-instance.ts';

const LargestBudget = 2 ** 30;
/** A run that goes on: nothing came to stop it. */
const GoOn = -1;

/** An x86 processor of 32 bits: the interpreter of the package v86 behind the vCPU's interface. */
export class X86Processor implements Processor {
  readonly name = 'x86';
  readonly state: GuestState;
  readonly exits: Exits;
  queuedVector = -1;
  windowWanted = false;
  failure: BackplaneError | undefined;
  failedInstruction: Uint8Array | undefined;
  /** Where it stands still until it is reset. */
  #stopped: StopValue | undefined;
  /** Of 32-bit counts: instructions until the last one, and that one. */
  #total = 0;
  #counted = 0;
  /** The interrupt that is being taken. */
  #vector = -1;
  readonly #pieces: StringPieces;
  #apicBase = 0n;
  #cr8 = 0n;

  constructor(
    readonly wasm: WasmInstance,
    readonly memory: LowMemory,
    bus: ProcessorBus,
  ) {
    this.state = new GuestState(wasm.exports.memory.buffer, memory.bytes, memory.top);
    this.exits = new Exits(this.state, bus);
    wasm.requests = this.exits;
    this.#pieces = new StringPieces(this.state, this.exits, bus, wasm);
    this.exits.longString = () => this.#pieces.cutLong();
    this.reset();
  }

  get instructions(): number {
    return this.#total + ((this.state.executed - this.#counted) >>> 0);
  }

  /** How many elements the string that it is in the middle of does next; 0 where it is in none. */
  get piece(): number {
    return this.#pieces.next;
  }

  get interruptFlag(): boolean {
    return this.state.interruptFlag;
  }

  /** STI and its successor are one step of the interpreter, so it stops only behind both. */
  get interruptShadow(): boolean {
    const { state } = this;
    if (state.pointer === state.previousPointer || !mayLoadStackSegment(state.firstByte())) return false;
    return state.decodeCurrent().loadsStackSegment;
  }

  get underWay(): boolean {
    return this.exits.beginsAgain || this.exits.hasQueued;
  }

  get acceptsInterrupt(): boolean {
    return this.state.interruptFlag && !this.underWay && !this.interruptShadow;
  }

  get whereabouts(): string {
    const { view, pointer } = this.state;
    const base = view.getInt32(At.segmentBases + 4 * Segments.cs, true);
    const selector = view.getUint16(At.selectors + 2 * Segments.cs, true);
    return `${hex(selector)}:${hex((pointer - base) >>> 0)}, instruction ${count(this.instructions)}`;
  }

  enter(limit: number, operation: GuestOperation): StopValue {
    const { exits } = this;
    if (this.#stopped !== undefined) return this.#stopped;
    this.memory.begin();
    exits.answered = 0;
    const end = this.instructions + limit;
    let left = limit;
    while (!exits.hasQueued) {
      if (!exits.beginsAgain) {
        if (limit === 0) return Stop.Limit;
        if (this.queuedVector >= 0 && this.acceptsInterrupt) this.#takeInterrupt();
        else if (this.windowWanted && this.acceptsInterrupt) return Stop.Window;
        else if (left <= 0 || exits.answered >= MostAnswered) return Stop.Limit;
      }
      const stop = this.#run(left);
      if (stop !== GoOn) return stop as StopValue;
      left = end - this.instructions;
    }
    exits.show(operation);
    return Stop.Operation;
  }

  complete(operation: GuestOperation): void {
    this.exits.answer(operation);
  }

  getRegisters(to: DataView): void {
    getRegisters(this.state, this.wasm, to);
  }

  setRegisters(from: DataView): boolean {
    return setRegisters(this.state, this.wasm, from);
  }

  getSpecialRegisters(to: DataView): void {
    getSpecialRegisters(this.state, to);
    to.setBigUint64(SpecialRegisters.apicBase, this.#apicBase, true);
    to.setBigUint64(SpecialRegisters.cr8, this.#cr8, true);
  }

  setSpecialRegisters(from: DataView): boolean {
    if (!setSpecialRegisters(this.state, this.wasm, from)) return false;
    this.#apicBase = from.getBigUint64(SpecialRegisters.apicBase, true);
    this.#cr8 = from.getBigUint64(SpecialRegisters.cr8, true);
    return true;
  }

  getFpu(to: DataView): void {
    getFpu(this.state, to);
  }

  setFpu(from: DataView): boolean {
    setFpu(this.state, this.wasm, from);
    return true;
  }

  getMsr(index: number): bigint | undefined {
    return getMsr(this.state, this.exits.now(), index);
  }

  setMsr(index: number, value: bigint): boolean {
    return setMsr(this.state, this.exits.now(), index, value);
  }

  reset(): void {
    const { wasm, state, exits } = this;
    wasm.unwind();
    wasm.exports.reset_cpu();
    exits.reset();
    state.words[At.blockCount >> 2] = 0;
    state.words[At.instructionCount >> 2] = 0;
    this.setSpecialRegisters(specialRegistersAfterReset(0));
    this.setRegisters(registersAfterReset());
    this.queuedVector = this.#vector = -1;
    this.#stopped = this.failure = this.failedInstruction = undefined;
    this.#total = this.#counted = 0;
    this.#pieces.goOn(0);
  }

  save(): Json {
    return saveState(this);
  }

  read(reader: JsonReader): () => void {
    return readState(this, reader, ({ instructions, piece }) => {
      this.#total = instructions;
      this.#pieces.goOn(piece);
      this.#counted = this.state.executed;
      this.#stopped = this.failure = this.failedInstruction = undefined;
    });
  }

  #takeInterrupt(): void {
    this.#vector = this.queuedVector;
    this.queuedVector = -1;
    this.exits.injecting = true;
    this.state.words[At.previousPointer >> 2] = this.state.pointer;
    this.exits.follows();
  }

  /** Runs the module once. `GoOn` if nothing stops the entry. */
  #run(limit: number): number {
    const { exits, state, wasm } = this;
    const pieces = this.#pieces;
    const { injecting, beginsAgain } = exits;
    exits.begin();
    if (!injecting && !beginsAgain) pieces.follow();
    exits.watchesWindow = this.windowWanted || this.queuedVector >= 0;
    // What begins again, and what an interrupt must not divide, is one instruction.
    const isStep = beginsAgain || exits.piece > 0 || (exits.watchesWindow && state.interruptFlag);
    const budget = isStep ? 1 : Math.min(Math.max(1, limit), LargestBudget);
    state.words[At.lastCount >> 2] = state.executed + budget;
    state.bytes[At.halted] = 0;
    pieces.begin();
    try {
      if (injecting) wasm.exports.call_interrupt_vector(this.#vector, 0, 0, 0);
      else wasm.exports.main_loop();
    } catch (thrown) {
      pieces.putBack();
      return this.#caught(thrown);
    }
    const isHalted = state.bytes[At.halted] !== 0 && !injecting && !exits.sliceEnded && !exits.windowOpened;
    state.bytes[At.halted] = 0;
    if (state.isSquashed) {
      state.uncount();
      return this.#beginAgain();
    }
    this.#fold();
    const wasLong = pieces.end();
    if (injecting || isStep || wasLong) exits.forget();
    if (isOutsideMemory(state)) return this.#stop(outsideMemory(this));
    if (exits.hasQueued) return GoOn;
    if (exits.windowOpened) return this.windowWanted ? Stop.Window : GoOn;
    return isHalted ? Stop.Halt : GoOn;
  }

  #fold(): void {
    const { executed } = this.state;
    this.#total += (executed - this.#counted) >>> 0;
    this.#counted = executed;
  }

  #caught(thrown: unknown): number {
    const { exits, state, wasm } = this;
    const { isDeep } = wasm;
    wasm.unwind();
    // A squashed instruction traps where it would take a fault: what it has read was no operand, but of a page table.
    if (!state.isSquashed) {
      if (thrown !== Again) return this.#stop(failureOf(this, isDeep ? Endless : thrown));
      if (!exits.beginsAgain) state.keep();
    }
    return this.#beginAgain();
  }

  #beginAgain(): number {
    const { state } = this;
    if (state.isSquashed) state.endSquash();
    state.rewind();
    state.bytes[At.halted] = 0;
    this.exits.beginsAgain = true;
    this.#fold();
    return GoOn;
  }

  #stop(failure: Failure): StopValue {
    this.#fold();
    this.exits.reset();
    this.failure = failure.error;
    this.failedInstruction = failure.stop === Stop.Failed ? failure.instruction : undefined;
    this.#stopped = failure.stop;
    return failure.stop;
  }
}
