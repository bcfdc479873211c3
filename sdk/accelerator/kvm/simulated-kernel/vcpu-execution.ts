import type { GuestOperation } from '../../guest/operation.ts';

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
