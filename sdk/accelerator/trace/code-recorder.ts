import type { CodeObserver } from '../guest/code.ts';
import { GuestOperation, OperationKind } from '../guest/operation.ts';
import type { OperationRecorder, RecordedVcpu } from './operation-recorder.ts';
import { faultLine, haltLine, interruptLine, operationLine, partLine, restartLine, windowLine } from './run-lines.ts';

/** Machine code executes on the first vCPU. */
const Vcpu = 0;

/**
 * Writes down what machine code does outside of its processor: accesses, halts and interrupts, each at its guest time. What it executes
 * between them is not written: guest time says how many instructions those are.
 */
export class RecordedCode implements CodeObserver, RecordedVcpu {
  readonly isUnderWay = false;
  #hasStarted = false;
  /** A read that waits for its answer, and when it began. */
  #read: GuestOperation | undefined;
  #begun = 0n;
  /** While an instruction is ended: when that began, and what it has written so far. */
  #rest: { readonly begun: bigint; readonly writes: { readonly text: string; readonly at: bigint }[] } | undefined;
  readonly #write = new GuestOperation();

  constructor(private readonly recorder: OperationRecorder) {}

  started(): void {
    this.#read = this.#rest = undefined;
    if (this.#hasStarted) this.#line(restartLine);
    this.#hasStarted = true;
  }

  entering(limit: number, vector: number): void {
    if (limit === 0) this.#rest = { begun: this.recorder.now(), writes: [] };
    else if (vector >= 0) this.#line(interruptLine(vector));
  }

  entered(executed: number, operation: GuestOperation | undefined): void {
    if (this.#rest !== undefined) {
      const { begun, writes } = this.#rest;
      this.#rest = undefined;
      const goesOn = operation !== undefined;
      if (executed > 0 || writes.length > 0 || goesOn) this.#line(partLine(goesOn, executed, writes.length), begun);
      for (const { text, at } of writes) this.#line(text, at);
    }
    if (operation === undefined) return;
    const { kind } = operation;
    this.#begun = this.recorder.now();
    const isRead = kind === OperationKind.In || kind === OperationKind.Load || kind === OperationKind.RepIns;
    if (isRead) this.#read = operation;
    else this.#line(operationLine(operation), this.#begun);
  }

  completed(operation: GuestOperation): void {
    if (this.#read === operation) this.flush();
  }

  wrote(isPort: boolean, address: number, size: number, low: number, high: number): void {
    const write = this.#write;
    write.kind = isPort ? OperationKind.Out : OperationKind.Store;
    write.address = address;
    write.size = size;
    write.value = low >>> 0;
    write.valueHigh = size === 8 ? high >>> 0 : 0;
    const text = operationLine(write);
    if (this.#rest === undefined) this.#line(text);
    else this.#rest.writes.push({ text, at: this.recorder.now() });
  }

  halted(): void {
    this.#line(haltLine);
  }

  windowOpened(): void {
    this.#line(windowLine);
  }

  failed(): void {
    this.#line(faultLine);
  }

  flush(how?: 'even without its answer'): boolean {
    const read = this.#read;
    if (read === undefined) return true;
    if (!read.finished && how === undefined) return false;
    this.#read = undefined;
    this.#line(`${operationLine(read)}${destinationOf(read)}`, this.#begun);
    return true;
  }

  #line(text: string, at?: bigint): void {
    this.recorder.write(Vcpu, text, at);
  }
}

/** Where a string goes decides how many elements one exit fetches, also where the processor stores them itself. */
function destinationOf({ kind, stored, descending, destination }: GuestOperation): string {
  if (kind !== OperationKind.RepIns || stored) return '';
  return ` ${descending ? '<' : '>'}${destination.toString(16)}`;
}
