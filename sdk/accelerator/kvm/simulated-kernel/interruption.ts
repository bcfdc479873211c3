/** Why KVM_RUN answered EINTR last. */
export const Interruption = {
  None: 0,
  /** kvm_run.immediate_exit was set; what was pending is complete. */
  ImmediateExit: 1,
  /** kick() was called. */
  Kick: 2,
  /** Guest time reached kickAt(). */
  Deadline: 3,
  /** The oldest queued write waited as long as kickWhenQueuedFor() allows. */
  Queued: 4,
  // What follows is no return to userspace that a real processor would make, and is not counted.
  /** The operations of sliceOperations() are used up. */
  Slice: 5,
  /** The guest has no more operations. */
  GuestFinished: 6,
  /** 2^53 ns of guest time are near: rebase(). */
  Epoch: 7,
} as const;

export type InterruptionValue = (typeof Interruption)[keyof typeof Interruption];
