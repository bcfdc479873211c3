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
export class ProgramProcessor extends ProcessorState implements Processor {
  failure: BackplaneError | undefined;
  windowWanted = false;
  readonly underWay = false;
  /** The guest has no more operations. */
  finished = false;
  #guest: GuestSource | undefined;

  constructor(private readonly owner: ProgramOwner) {
    super(owner.id);
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
    const vector = this.queuedVector;
    this.queuedVector = -1;
    // Further interrupts wait until the handler returns or lets them in.
    this.interruptFlag = false;
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
    const isSti = kind === OperationKind.Sti;
    if (kind !== OperationKind.InterruptReturn) this.interruptShadow = isSti && !this.interruptFlag;
    this.interruptFlag = isSti || kind === OperationKind.InterruptReturn;
  }

  /** A program starts over by attaching a fresh start of it. */
  reset(): void {
    this.queuedVector = -1;
    this.interruptShadow = false;
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
