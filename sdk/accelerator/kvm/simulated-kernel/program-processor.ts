import { BackplaneError } from '../../../base/errors.ts';
import type { Json, JsonReader } from '../../../base/json-reader.ts';
import { type GuestOperation, type GuestSource, OperationKind, refuseOperation } from '../../guest/operation.ts';
import { type Processor, Stop, type StopValue } from './processor.ts';
import { ProcessorState } from './processor-state.ts';
import { type GuestWhereabouts, refusedOperation, thrownByProgram } from './vcpu-failures.ts';

/** The vCPU that a program runs on. */
export interface ProgramOwner {
  readonly id: number;
  /** Operations that it has executed. */
  readonly operations: number;
}

/**
 * A processor whose instructions are the operations of a guest program or a recording: one an entry. The vCPU executes them. Its
 * registers are stored and returned, and nothing else reads them.
 */
export class ProgramProcessor implements Processor {
  readonly state: ProcessorState;
  failure: BackplaneError | undefined;
  windowWanted = false;
  readonly underWay = false;
  /** The guest has no more operations. */
  finished = false;
  #guest: GuestSource | undefined;

  constructor(private readonly owner: ProgramOwner) {
    this.state = new ProcessorState(owner.id);
  }

  get name(): string {
    return this.#guest?.name ?? '';
  }

  get whereabouts(): string | undefined {
    return this.#guest?.whereabouts;
  }

  get instructions(): number {
    return this.owner.operations;
  }

  get interruptFlag(): boolean {
    return this.state.interruptFlag;
  }

  get interruptShadow(): boolean {
    return this.state.interruptShadow;
  }

  get acceptsInterrupt(): boolean {
    return this.state.acceptsInterrupt;
  }

  get queuedVector(): number {
    return this.state.queuedVector;
  }

  set queuedVector(vector: number) {
    this.state.queuedVector = vector;
  }

  /** From here on this is executed. */
  attach(guest: GuestSource | undefined, finished = false): void {
    this.#guest = guest;
    this.finished = finished;
    this.failure = undefined;
  }

  /** Asks the guest for its next operation. */
  enter(_limit: number, operation: GuestOperation): StopValue {
    if (this.queuedVector >= 0 && !this.takeInterrupt(operation)) return Stop.Failed;
    if (this.finished) return Stop.Finished;
    try {
      if (this.#guest === undefined) {
        this.failure = new BackplaneError(
          'vcpu-without-guest',
          `vCPU ${this.owner.id} has no guest to execute. Attach a guest before KVM_RUN.`,
        );
        return Stop.Failed;
      }
      this.finished = !this.#guest.next(operation);
      if (this.finished) return Stop.Finished;
    } catch (cause) {
      return this.#threw(cause);
    }
    const refusal = refuseOperation(operation);
    if (refusal !== undefined) {
      this.failure = refusedOperation(this.#where(), operation, refusal);
      return Stop.Failed;
    }
    operation.finished = false;
    return Stop.Operation;
  }

  /** The guest looks into the operation itself. */
  complete(): void {}

  /** The guest goes on in its handler, in the middle of a string or a pause too. False if it cannot. */
  takeInterrupt(operation: GuestOperation): boolean {
    const vector = this.state.takeInterrupt();
    try {
      this.#guest?.interrupt(vector, operation);
      operation.finished = true;
      return true;
    } catch (cause) {
      this.#threw(cause);
      return false;
    }
  }

  /** What the operations do that are about the processor alone. */
  execute(kind: OperationKind): void {
    if (kind === OperationKind.InterruptReturn) this.state.returnFromInterrupt();
    else this.state.setInterruptFlag(kind === OperationKind.Sti);
  }

  getRegisters(to: DataView): void {
    this.state.getRegisters(to);
  }

  setRegisters(from: DataView): boolean {
    this.state.setRegisters(from);
    return true;
  }

  getSpecialRegisters(to: DataView): void {
    this.state.getSpecialRegisters(to);
  }

  setSpecialRegisters(from: DataView): boolean {
    this.state.setSpecialRegisters(from);
    return true;
  }

  /** A program starts over by attaching a fresh start of it. */
  reset(): void {
    this.state.queuedVector = -1;
    this.state.interruptShadow = false;
  }

  /** Guests are saved by their logs: see `saveGuest`. */
  save(): Json {
    return null;
  }

  read(reader: JsonReader): () => void {
    if (reader.data !== null) reader.refuse('expected null: what a program executes is saved with its guest');
    return () => {};
  }

  #threw(cause: unknown): StopValue {
    this.failure = thrownByProgram(this.#where(), cause);
    return Stop.Failed;
  }

  #where(): GuestWhereabouts {
    return { guest: this.#guest?.name, operation: this.owner.operations + 1, vcpu: this.owner.id };
  }
}
