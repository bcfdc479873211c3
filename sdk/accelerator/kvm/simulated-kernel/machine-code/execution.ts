import type { CodeObserver } from '../../../guest/code.ts';
import type { GuestOperation } from '../../../guest/operation.ts';
import type { ExecutionContext } from '../guest-time.ts';
import { type MachineCodeVm, type Processor, Stop, type StopValue } from '../processor.ts';
import { CodeBus } from './bus.ts';

/** A write that is queued in the middle of an entry is delivered at most so many instructions too late: 164 us. */
const LongestEntry = 16_384;

/** How vCPU 0 executes machine code: entries are bounded in instructions, and guest time follows what they have executed. */
export class CodeExecution {
  readonly processor: Processor;
  /** Instructions of the last entry. */
  executed = 0;
  /** Accesses that the last entry has made without an operation. */
  accesses = 0;
  /** It has shut down or failed, and goes on after a reset only. */
  isStopped = false;
  readonly #bus: CodeBus;
  #observer: CodeObserver | undefined;

  constructor(
    code: MachineCodeVm,
    private readonly context: ExecutionContext,
  ) {
    const { plain, isa } = context.time.costs;
    this.#bus = new CodeBus(code, context, plain, isa);
    this.processor = this.#bus.processor;
  }

  /** It was reset, or holds a saved state. */
  begin(): void {
    this.isStopped = false;
    this.#bus.restart();
    this.#observer?.started();
  }

  observe(observer: CodeObserver | undefined): void {
    this.#observer = this.#bus.observer = observer;
  }

  /** The next entry ends with the slice, or when the next deadline is reached. */
  limit(slice: number): number {
    const { time } = this.context;
    const { plain } = time.costs;
    const most = Math.min(slice, LongestEntry);
    const left = time.quietUntil - time.now;
    return left >= most * plain ? most : Math.max(1, Math.min(most, Math.ceil(left / plain)));
  }

  enter(limit: number, operation: GuestOperation): StopValue {
    const { processor } = this;
    const isQueued = processor.queuedVector >= 0;
    operation.at = -1;
    this.#observer?.entering(limit, processor.queuedVector);
    const stop = processor.enter(limit, operation);
    this.executed = this.#bus.takeCount();
    this.accesses = this.#bus.takeAccesses();
    // A guest whose instructions the processor does not count comes to the end of its run too.
    if (stop === Stop.Limit && limit > 0 && this.executed === 0) this.executed = this.#bus.countOne();
    if (isQueued && processor.queuedVector < 0) this.context.statistics.injectedInterrupts++;
    operation.finished = stop !== Stop.Operation;
    this.isStopped = stop === Stop.Shutdown || stop === Stop.Failed;
    this.#observer?.entered(this.executed, stop === Stop.Operation ? operation : undefined);
    return stop;
  }

  /** The operation is finished. */
  complete(operation: GuestOperation): void {
    this.processor.complete(operation);
    this.#observer?.completed(operation);
  }

  /** It leaves guest mode because of this, or of an interrupt window that was open before it was entered. */
  stopped(stop: StopValue): void {
    if (this.#observer === undefined) return;
    if (stop === Stop.Halt) this.#observer.halted();
    else if (stop === Stop.Window) this.#observer.windowOpened();
    else this.#observer.failed();
  }
}
