import type { RamBlock } from '../../memory/index.ts';
import type { KernelCounts } from './kernel-counts.ts';

/** What an ioctl takes: a number by value, or a struct by address, byte for byte as in linux/kvm.h. */
export type IoctlArgument = number | DataView | Uint8Array;

/**
 * A KVM kernel as its userspace sees it: the simulated one, or the host's /dev/kvm.
 *
 * Calls answer as libc does: -1 and `errno`. Memory is mapped page by page, because JavaScript buffers cannot alias
 * and all vCPUs of a VM share one ring page.
 */
export interface KvmKernel {
  /** What it counts, over all its VMs. */
  readonly counts: KernelCounts;
  /** The error of the last call that answered -1. */
  readonly errno: number;
  open(path: string): number;
  close(fd: number): number;
  ioctl(fd: number, request: number, argument: IoctlArgument): number;

  /** Page 0 is kvm_run, 1 the data of port accesses, 2 the ring (the same bytes for every vCPU of a VM). */
  mapVcpuPage(vcpuFd: number, page: 0 | 1 | 2): DataView;
  /**
   * Memory whose host address may be put into an ioctl's struct: guest RAM, and the bitmap of KVM_GET_DIRTY_LOG. The machine's RAM, at
   * physical 0, may have a place of its own: that of the last VM.
   */
  allocateGuestMemory(size: number, name?: string, isMachineRam?: boolean): RamBlock;
  /** Gives such memory back. A slot that still names it would fault: delete the slot first. */
  releaseGuestMemory(block: RamBlock): void;

  eventfd(): number;
  /** How often an eventfd was signalled since it was last read; 0n when it was not. */
  readEventfd(fd: number): bigint;

  /** The kernel's own time now, in nanoseconds. Its zero is the kernel's. */
  readonly now: number;
  /** KVM_RUN answers EINTR at this time, as the kernel's own time counts it. Infinity is never. Stays until changed. */
  kickAt(deadline: number): void;
}
