import type { Json, JsonReader } from '../../base/json-reader.ts';
import type { AcceleratorHost, GuestImage, RunOptions, RunOutcome, SliceEnd, SliceLimits } from '../accelerator.ts';
import type { ExitStatistics } from '../exit-statistics.ts';
import type { CodeObserver } from '../guest/code.ts';
import type { EventConsumers } from './event-consumers.ts';
import type { ExitService } from './exit-service.ts';
import type { InterruptInjection } from './interrupt-injection.ts';
import type { QueueTimes, RingDrain } from './ring-drain.ts';
import type { RunRequests } from './run-control.ts';
import type { KvmVm } from './vm.ts';

/** What every loop works with; the accelerator puts it together. */
export interface LoopParts {
  readonly vm: KvmVm;
  readonly host: AcceleratorHost;
  readonly ring: RingDrain;
  readonly service: ExitService;
  readonly interrupts: InterruptInjection;
  readonly consumers: EventConsumers;
  readonly requests: RunRequests;
  readonly statistics: ExitStatistics;
  /** Every return to userspace drains; otherwise only the memory core asks for it. */
  readonly drainsAtReturns: boolean;
  /** Why the guest must not run with the memory map as it is now. */
  readonly checkMap: () => string | undefined;
}

/** Enters the guests of one machine and serves what they come back with, until something ends the run. */
export interface UserspaceLoop {
  /** A slice is under way, or a run that is not sliced. */
  readonly running: boolean;
  /** A run was begun and has not ended: between two slices too. */
  readonly isOpen: boolean;
  run(options: RunOptions): RunOutcome;
  /** Begins a run. Its slices carry it out. */
  begin(options: RunOptions): void;
  /** Goes on with the run that was begun. */
  slice(limits: SliceLimits): SliceEnd;
  /** Delivers what is queued, for another reason than an exit. */
  drain(): void;
  /** Ends every instruction that has begun and delivers what is queued. */
  settle(): void;
  /** Between two instructions. What the guest did after it had asked for the reset is dropped, not carried out. */
  reset(): void;
}

/**
 * The vCPUs of an accelerator, as a kind of kernel has them: what they execute, and the loop that enters them. The accelerator
 * itself is the same for every kernel.
 */
export interface KernelProcessors {
  /** Where the kernel knows when it queued a write. */
  readonly queueTimes: QueueTimes | undefined;
  /** Operations that they have executed together. */
  readonly operations: number;
  /** They count instructions of machine code as operations. */
  readonly countInstructions: boolean;
  /** Guest time now, as the machine's clock counts. */
  readonly guestTime: number;
  /** Makes so many vCPUs more. */
  add(count: number): void;
  /** Gives each vCPU what it executes; what is missing is made. */
  load(images: readonly GuestImage[], savable: boolean): void;
  /** Where a kernel shows what machine code does on its first vCPU. */
  observeCode?(observer: CodeObserver | undefined): void;
  /** Makes the loop for a machine. */
  attach(parts: LoopParts): UserspaceLoop;
  /** Undoes attach. */
  detach(): void;
  /** What of them is state. The machine is settled: the ring is empty, no instruction is half done. */
  save(statistics: ExitStatistics): Json;
  /** Reads and checks a saved state, and answers how to put it in force. */
  read(reader: JsonReader, images: readonly GuestImage[], statistics: ExitStatistics): () => void;
}

/** What an accelerator gives to the processors of its kernel. */
export interface ProcessorParts {
  readonly vm: KvmVm;
  readonly consumers: EventConsumers;
}

/** Makes the processors of an accelerator. */
export type MakeProcessors = (parts: ProcessorParts) => KernelProcessors;
