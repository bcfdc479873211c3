/**
 * What a kernel of KVM has counted. A kernel that executes its guests itself knows all of it. Of the host's kernel, userspace
 * sees the returns of KVM_RUN only: what it does not know is left out. What went into the ring is counted by its drain then.
 */
export interface KernelCounts {
  /** Returns of KVM_RUN with an exit; interruptions (kicks, slices, the guest's end) are not exits. */
  readonly userspaceExits: number;
  readonly portUserspaceExits: number;
  readonly memoryUserspaceExits: number;
  readonly haltExits: number;
  readonly interruptWindowExits: number;
  /** Exits of writes that a zone matched and the ring had no room for. */
  readonly ringFullExits: number;
  /** Every instruction that left guest mode. */
  readonly vmExits?: number | undefined;
  /** Writes that went into the ring. */
  readonly coalescedWrites?: number | undefined;
  readonly ioeventfdSignals?: number | undefined;
  readonly injectedInterrupts?: number | undefined;
  /** Exits by address; undefined where the kernel does not keep them. */
  readonly rows?: ExitRows | undefined;
  /** Starts counting anew. */
  reset(): void;
}

/** One row of the exit table: how often it was sampled, and how many of those went to userspace. */
export type ExitRowVisitor = (address: number, isWrite: boolean, samples: number, userspaceExits: number) => void;

/** The exits of each port and of each page of memory. */
export interface ExitRows {
  /** Visits the ports and directions that were used, in order. */
  forEachPort(visit: ExitRowVisitor): void;
  /** Visits the pages and directions that were used, in order of address; what found no row comes last, as -1. */
  forEachPage(visit: ExitRowVisitor): void;
}
