import type { GuestTime } from './guest-time.ts';
import type { IoBus } from './io-bus.ts';
import type { KernelExitStatistics } from './kernel-exit-statistics.ts';
import type { KernelIoeventfds } from './kernel-ioeventfds.ts';
import type { KernelMemorySlots } from './kernel-memory-slots.ts';

/** How one step of an operation ended. */
export const Step = {
  /** The processor goes on: the operation is finished, or reached a point where it can be interrupted. */
  GoOn: 0,
  /** KVM_RUN returns to userspace with the exit that kvm_run now describes. */
  Exit: 1,
  /** KVM_RUN fails with EFAULT: a memory slot names userspace memory that is not there. */
  Fault: 2,
} as const;
export type StepValue = (typeof Step)[keyof typeof Step];

/** What the vCPUs of a VM share when they execute. */
export interface ExecutionContext {
  readonly statistics: KernelExitStatistics;
  readonly time: GuestTime;
  readonly ports: IoBus;
  readonly memory: IoBus;
  readonly ioeventfds: KernelIoeventfds;
  readonly slots: KernelMemorySlots;
}
