/** When something happened, exactly. `epoch * 1_000_000_000n + BigInt(time)` is nanoseconds since the machine was started. */
export interface Moment {
  /** The clock's epoch, in whole seconds since the machine was started: 0n for the first 52 days. */
  readonly epoch: bigint;
  /** Guest nanoseconds since then. */
  readonly time: number;
}

/** One access of the guest on its way to the machine: from an exit, or out of the ring. Memory that is RAM makes none. */
export interface AccessEvent extends Moment {
  readonly kind: 'access';
  readonly isPort: boolean;
  readonly isWrite: boolean;
  readonly address: number;
  /** Bytes. */
  readonly size: number;
  /** What was written, or what the device answered; bigint above four bytes. */
  readonly value: number | bigint;
  /** The write waited in the ring. */
  readonly queued: boolean;
}

export type ExitReasonName = 'io' | 'mmio' | 'hlt' | 'shutdown' | 'interrupt-window' | 'other';

/** A vCPU came back to userspace. */
export interface ExitEvent extends Moment {
  readonly kind: 'exit';
  readonly vcpu: number;
  readonly reason: ExitReasonName;
}

/** A queued write is taken out of the ring; the access it makes follows. */
export interface CoalescedWriteEvent extends Moment {
  readonly kind: 'coalesced-write';
  readonly isPort: boolean;
  readonly address: number;
  readonly size: number;
  /** Guest nanoseconds that it waited, where the kernel can tell. */
  readonly waited: number | undefined;
}

/** The first vCPU takes an interrupt. */
export interface VectorEvent extends Moment {
  readonly kind: 'vector';
  readonly vector: number;
}

export type AcceleratorEvent = AccessEvent | ExitEvent | CoalescedWriteEvent | VectorEvent;

/** Where the time of an event comes from: the machine's clock. */
export interface Moments {
  readonly epoch: bigint;
  readonly now: number;
}

/** Receives what the accelerator does. While there is no listener, no event is made. */
export interface AcceleratorListener {
  readonly clock: Moments;
  onEvent(event: AcceleratorEvent): void;
}
