import type { BackplaneError } from '../../../base/errors.ts';
import type { Json, JsonReader } from '../../../base/json-reader.ts';
import type { CodeObserver } from '../../guest/code.ts';
import type { GuestOperation, GuestSource } from '../../guest/operation.ts';
import type { KvmKernel } from '../kernel.ts';
import type { KernelExitStatistics } from './kernel-exit-statistics.ts';

/** Why KVM_RUN answered EINTR last. */
export const Interruption = {
  None: 0,
  /** kvm_run.immediate_exit was set; what was pending is complete. */
  ImmediateExit: 1,
  /** Guest time reached kickAt(). */
  Deadline: 2,
  /** The oldest queued write waited as long as kickWhenQueuedFor() allows. */
  Queued: 3,
  // What follows is no return to userspace that a real processor would make, and is not counted.
  /** The operations of the slice are used up. */
  Slice: 4,
  /** The guest has no more operations. */
  GuestFinished: 5,
  /** 2^53 ns of guest time are near: rebase(). */
  Epoch: 6,
  /** Guest time reached stopAt(). */
  Stop: 7,
} as const;

export type InterruptionValue = (typeof Interruption)[keyof typeof Interruption];

/** Where a vCPU is in its guest, between two instructions. */
export interface VcpuExecution {
  /** The last operation, or the one that is under way. */
  readonly operation: GuestOperation;
  readonly operations: number;
  readonly guestFinished: boolean;
  readonly interruptShadow: boolean;
  /** The guest cannot go on: it threw, or asked for what no processor does. */
  readonly failed: boolean;
}

/** A vCPU of a kernel that executes guest programs: what KVM has no call for. */
export interface GuestProcessor {
  /** Operations executed so far; each element of a string counts. */
  readonly operations: number;
  /** Why its last KVM_RUN answered EINTR. */
  readonly interruption: InterruptionValue;
  /** The guest has no more operations: KVM_RUN answers EINTR, and so does every later call. */
  readonly guestFinished: boolean;
  /** Why the guest cannot go on, once KVM_RUN came back with exit reason INTERNAL_ERROR. */
  readonly failure: BackplaneError | undefined;
  /** Where it is in its guest: complete pending exits first. The operation is the vCPU's own: look, and do not keep it. */
  readonly execution: VcpuExecution;
  /** KVM_RUN answers EINTR before the operation after the next so many; Infinity (the default) is never. */
  slice: number;
  /** Accesses that machine code has made outside of its RAM; each element of a string counts. Those of programs are operations. */
  readonly accesses: number;
  /** Where `accesses` has come so far, the slice ends with the next instruction, and `unused` is what is left of it then. */
  accessStop: number;
  unused: number;
  /**
   * Gives it what it executes from here on. What it had begun is dropped, and so is a queued interrupt: complete pending
   * exits first. A program starts over by attaching a fresh start of it.
   */
  attach(guest: GuestSource): void;
  /** Whether it executes machine code: `operations` and `slice` count instructions then, and `accesses` what those access. */
  readonly executesCode: boolean;
  /** Why it cannot execute machine code; undefined if it can. */
  refuseCode(guest: string): BackplaneError | undefined;
  /** It executes machine code from here on, and is as after power-on: set its registers afterwards. */
  attachCode(): void;
  /** What it holds of machine code besides its registers. */
  saveCode(): Json;
  /** Reads that, and answers how to put it in force, which comes last: after `resumeCode` and the registers. */
  readCode(reader: JsonReader): () => void;
  /** It goes on with machine code. */
  resumeCode(execution: VcpuExecution): void;
  /** Gives it a guest that is under way. Set its registers afterwards: they hold a queued interrupt too. */
  resume(guest: GuestSource | undefined, execution: VcpuExecution): void;
}

/** A kernel whose vCPUs take turns on one thread and execute what they are given. Its own time is guest time. */
export interface ScheduledKernel extends KvmKernel {
  readonly counts: KernelExitStatistics;
  /** Guest time now, in nanoseconds since the epoch of the machine's clock. */
  readonly now: number;
  /** The epoch has moved: guest time, and every time that the kernel keeps, is smaller by this. While no vCPU runs. */
  rebase(nanoseconds: number): void;
  /**
   * KVM_RUN answers EINTR before the first operation at or past this time; Infinity is never. Stays until changed. It comes back
   * at EpochMovesAt too, whatever this says: rebase() then.
   */
  kickAt(deadline: number): void;
  /** KVM_RUN answers EINTR before the first operation by which the oldest queued write has waited this long. */
  kickWhenQueuedFor(nanoseconds: number): void;
  /** When the write in this slot of the VM's ring was queued; undefined for one that was never filled. */
  queuedSince(vcpuFd: number, slot: number): number | undefined;
  /** Lets guest time pass until then while no vCPU runs: a halted processor. Never goes back. */
  sleepUntil(time: number): void;
  /**
   * KVM_RUN answers EINTR before the first operation at or past this guest time, and in the middle of a pause; Infinity is never.
   * Stays until changed. It is no return to userspace, and not counted: what kickAt() and kickWhenQueuedFor() ask for goes first.
   */
  stopAt(time: number): void;
  processor(vcpuFd: number): GuestProcessor;
  /** Tells the observer what machine code does on this vCPU; undefined ends that. */
  observeCode(vcpuFd: number, observer: CodeObserver | undefined): void;
  /** Called where machine code has changed read-only memory, with the first guest physical address: it was put back. */
  onOverwritten: (address: number) => void;
}
