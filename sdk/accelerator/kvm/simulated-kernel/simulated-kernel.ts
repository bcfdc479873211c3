import type { BackplaneError } from '../../../memory/errors.ts';
import type { RamBlock } from '../../../memory/ram-block.ts';
import type { GuestSource } from '../../guest/operation.ts';
import type { IoctlArgument, KvmKernel } from '../kvm-kernel.ts';
import type { OperationCosts } from './guest-time.ts';
import type { InterruptionValue } from './interruption.ts';
import { KernelExitStatistics } from './kernel-exit-statistics.ts';

export interface SimulatedKernelOptions {
  /** What operations of guest programs cost; what is left out has its default (660, 3410 and 10 ns). */
  readonly costs?: Partial<OperationCosts>;
  /** Answers of KVM_CHECK_EXTENSION that differ from the default: `{ [Capability.CoalescedPio]: 0 }` is an old kernel. */
  readonly capabilities?: Readonly<Record<number, number>>;
}

/** KVM in TypeScript: deterministic, on any machine. */
export class SimulatedKernel implements KvmKernel {
  readonly kind = 'simulated';
  readonly statistics: KernelExitStatistics = new KernelExitStatistics();
  readonly errno: number = 0;
  readonly now: number = 0;

  constructor(_options: SimulatedKernelOptions = {}) {}
  open(_path: string): number {
    return -1;
  }
  close(_fd: number): number {
    return -1;
  }
  ioctl(_fd: number, _request: number, _argument: IoctlArgument): number {
    return -1;
  }
  mapVcpuPage(_vcpuFd: number, _page: 0 | 1 | 2): DataView {
    throw new Error('not built yet');
  }
  allocateGuestMemory(_size: number, _name?: string): RamBlock {
    throw new Error('not built yet');
  }
  eventfd(): number {
    return -1;
  }
  readEventfd(_fd: number): bigint {
    return 0n;
  }
  kick(_vcpuFd: number): void {}
  kickAt(_deadline: number): void {}
  kickWhenQueuedFor(_nanoseconds: number): void {}
  queuedSince(_vcpuFd: number, _slot: number): number | undefined {
    return undefined;
  }
  sleepUntil(_time: number): void {}

  /** Gives a vCPU what it executes from here on; what it had begun is dropped, so settle pending exits first. */
  attachGuest(_vcpuFd: number, _guest: GuestSource): void {}
  /** The guest has no more operations: KVM_RUN answers EINTR, and so does every later call. */
  guestFinished(_vcpuFd: number): boolean {
    return false;
  }
  /** Why the guest cannot go on, once KVM_RUN came back with exit reason INTERNAL_ERROR. */
  guestFailure(_vcpuFd: number): BackplaneError | undefined {
    return undefined;
  }
  /** KVM_RUN answers EINTR before the operation after the next `count` ones; Infinity (the default) is never. */
  sliceOperations(_vcpuFd: number, _count: number): void {}
  /** Why the last KVM_RUN of that vCPU answered EINTR. */
  interruption(_vcpuFd: number): InterruptionValue {
    return 0;
  }
  /** Operations this vCPU has executed; each element of a string counts. */
  operations(_vcpuFd: number): number {
    return 0;
  }
}
