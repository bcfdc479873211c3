import type { GuestAccess } from './guest-access.ts';

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

/** What tells when: the machine's clock. */
export interface Moments {
  readonly epoch: bigint;
  readonly now: number;
}

/** Hears what the accelerator does. While there is none, nothing is made and nothing is asked. */
export interface AcceleratorListener {
  readonly clock: Moments;
  hear(event: AcceleratorEvent): void;
}

/** Tells a listener of each access; in the place of the plain access, and only while somebody listens. */
export class ObservedAccess implements GuestAccess {
  constructor(
    private readonly next: GuestAccess,
    private readonly listener: AcceleratorListener,
    private readonly queued: boolean,
  ) {}

  read(isPort: boolean, address: number, size: number): number {
    const value = this.next.read(isPort, address, size);
    this.tell(isPort, false, address, size, value);
    return value;
  }

  write(isPort: boolean, address: number, value: number, size: number): void {
    this.tell(isPort, true, address, size, value);
    this.next.write(isPort, address, value, size);
  }

  read64(isPort: boolean, address: number): bigint {
    const value = this.next.read64(isPort, address);
    this.tell(isPort, false, address, 8, value);
    return value;
  }

  write64(isPort: boolean, address: number, value: bigint): void {
    this.tell(isPort, true, address, 8, value);
    this.next.write64(isPort, address, value);
  }

  readBytes(isPort: boolean, address: number, target: Uint8Array): void {
    this.next.readBytes(isPort, address, target);
    this.tell(isPort, false, address, target.length, littleEndian(target));
  }

  writeBytes(isPort: boolean, address: number, source: Uint8Array): void {
    this.tell(isPort, true, address, source.length, littleEndian(source));
    this.next.writeBytes(isPort, address, source);
  }

  private tell(isPort: boolean, isWrite: boolean, address: number, size: number, value: number | bigint): void {
    const { listener, queued } = this;
    const { epoch, now: time } = listener.clock;
    listener.hear({ kind: 'access', epoch, time, isPort, isWrite, address, size, value, queued });
  }
}

/** Little endian, as the guest's bytes lie. */
function littleEndian(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index] as number);
  return bytes.length > 4 ? value : Number(value);
}
