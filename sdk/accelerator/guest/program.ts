import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import type { GuestStep } from './access-step.ts';
import { GuestOperation, type GuestSource, OperationKind, TripleFault } from './operation.ts';
import { Guest, type GuestBody } from './vocabulary.ts';

export type { GuestStep } from './access-step.ts';
export type { Guest, GuestBody } from './vocabulary.ts';

/** Handlers that let interrupts in again nest at most this deep: the guest's stack ends here. */
const DeepestNesting = 256;

/** A program for a simulated processor, written as a generator. Starting it twice runs it twice. */
export class GuestProgram {
  readonly name: string;
  readonly #body: GuestBody;

  constructor(name: string, body: GuestBody) {
    this.name = name;
    this.#body = body;
  }

  /** A fresh execution from the first instruction: what a processor is given, and given again after a reset. */
  start(): GuestSource {
    return new RunningProgram(this.name, this.#body);
  }
}

/**
 * The guest executes this generator: `guestProgram(function* (guest) { yield* guest.out8(0x70, 0x0a); })`.
 * A name, given first, is what messages call it.
 */
export function guestProgram(body: GuestBody): GuestProgram;
export function guestProgram(name: string, body: GuestBody): GuestProgram;
export function guestProgram(nameOrBody: string | GuestBody, body?: GuestBody): GuestProgram {
  const [name, steps] = typeof nameOrBody === 'string' ? [nameOrBody, body] : [nameOrBody.name || 'guest', nameOrBody];
  if (typeof steps !== 'function') {
    throw new BackplaneError(
      'invalid-guest-program',
      `Guest program '${name}': its body is not a function. Write guestProgram('${name}', function* (guest) { ... }).`,
    );
  }
  return new GuestProgram(name, steps);
}

/** The program, or a handler that interrupted it, and the operation that stood in the processor at that moment. */
interface Frame {
  readonly steps: GuestStep<void>;
  readonly interrupted: GuestOperation | undefined;
  readonly outer: Frame | undefined;
  readonly depth: number;
}

class RunningProgram implements GuestSource {
  readonly name: string;
  readonly #guest = new Guest();
  /** What the processor is in; undefined once the program has ended. */
  #frame: Frame | undefined;

  constructor(name: string, body: GuestBody) {
    this.name = name;
    this.#enter(body, undefined, name);
  }

  next(operation: GuestOperation): boolean {
    if (this.#frame === undefined) return false;
    if (operation.kind === OperationKind.InterruptReturn && this.#resume(operation)) return true;
    const frame = this.#frame;
    this.#guest.operation = operation;
    operation.kind = OperationKind.None;
    operation.at = -1;
    const ended = frame.steps.next().done === true;
    this.#refuseForgotten(ended, operation);
    if (!ended) return true;
    if (frame.interrupted === undefined) {
      this.#frame = undefined;
      return false;
    }
    operation.kind = OperationKind.InterruptReturn;
    return true;
  }

  interrupt(vector: number, operation: GuestOperation): void {
    const handler = this.#guest.handlers.get(vector);
    const where = `Guest program '${this.name}': interrupt ${hex(vector)}`;
    if (handler === undefined) {
      throw new TripleFault(
        'unhandled-interrupt',
        `${where} came and there is no handler for it: the processor has shut down (triple fault). ` +
          `Add guest.onInterrupt(${hex(vector)}, ...), or mask it.`,
      );
    }
    // A handler that has returned is left at once: where interrupts follow one another without end, none is inside another.
    if (operation.kind === OperationKind.InterruptReturn && operation.finished) this.#resume(operation);
    if ((this.#frame?.depth ?? 0) > DeepestNesting) {
      throw new TripleFault(
        'interrupt-nesting',
        `${where} came with ${DeepestNesting} handlers already nested: the stack has overflowed and the processor has shut ` +
          'down (triple fault). End the interrupt at its source before sti.',
      );
    }
    const interrupted = new GuestOperation();
    interrupted.copyFrom(operation);
    this.#enter(handler, interrupted, `${this.name}, handler of ${hex(vector)}`);
    operation.kind = OperationKind.None;
  }

  /** Where a program ends, or halts, no step may be left that was called and did not run. */
  #refuseForgotten(ended: boolean, { kind }: GuestOperation): void {
    if (!ended && kind !== OperationKind.Hlt) return;
    const { forgotten } = this.#guest;
    if (forgotten !== undefined) throw new BackplaneError('step-not-run', `Guest program '${this.name}': ${forgotten}`);
  }

  #enter(body: GuestBody, interrupted: GuestOperation | undefined, what: string): void {
    const steps = body(this.#guest);
    if (typeof steps?.next !== 'function') {
      throw new BackplaneError(
        'invalid-guest-program',
        `Guest program '${what}': its body is not a generator. Write function* instead of function.`,
      );
    }
    const outer = this.#frame;
    this.#frame = { steps, interrupted, outer, depth: (outer?.depth ?? 0) + 1 };
  }

  /** Leaves a handler: what it interrupted stands in the processor again. True if that was not finished. */
  #resume(operation: GuestOperation): boolean {
    const { interrupted, outer } = this.#frame!;
    this.#frame = outer;
    operation.copyFrom(interrupted!);
    return !operation.finished;
  }
}
