import type { BackplaneError } from '../../base/errors.ts';
import type { GuestSource } from '../guest/operation.ts';
import type { KvmKernel } from './kvm-kernel.ts';
import type { InterruptionValue, KernelExitStatistics, VcpuExecution } from './simulated-kernel/index.ts';

/** A kernel whose vCPUs take turns on one thread, execute what they are given and count their exits. */
export interface ScheduledKernel extends KvmKernel {
  readonly statistics: KernelExitStatistics;
  attachGuest(vcpuFd: number, guest: GuestSource): void;
  execution(vcpuFd: number): VcpuExecution;
  resumeGuest(vcpuFd: number, guest: GuestSource | undefined, execution: VcpuExecution): void;
  guestFinished(vcpuFd: number): boolean;
  guestFailure(vcpuFd: number): BackplaneError | undefined;
  sliceOperations(vcpuFd: number, count: number): void;
  interruption(vcpuFd: number): InterruptionValue;
  operations(vcpuFd: number): number;
}
