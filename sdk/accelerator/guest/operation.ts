/** What a simulated vCPU can be asked to do; one operation is one instruction. */
export const OperationKind = {
  /** Nothing was asked: a program that yields without an operation, which is refused. */
  None: 0,
  Out: 1,
  In: 2,
  Store: 3,
  Load: 4,
  RepOuts: 5,
  RepIns: 6,
  Hlt: 7,
  Cli: 8,
  Sti: 9,
  /** Spends guest time without leaving guest mode. */
  Pause: 10,
  /** The end of an interrupt handler. */
  InterruptReturn: 11,
} as const;

export type OperationKindValue = (typeof OperationKind)[keyof typeof OperationKind];

/** A port number and a guest physical address stop here. */
export const LargestPort = 0xffff;
export const LargestAddress = 2 ** 52 - 1;
/** One rep string moves at most this much, so that no guest can make the host allocate without end. */
export const LargestString = 1 << 20;

/**
 * One guest operation: a vCPU owns one object and reuses it for every operation.
 *
 * The guest fills it in; the kernel writes what was read back into it, and then asks for the next one.
 */
export class GuestOperation {
  kind: OperationKindValue = OperationKind.None;
  /** Port or guest physical address. */
  address = 0;
  /** Bytes of the access, or of one element of a string: 1, 2, 4, and 8 for memory. */
  size = 1;
  /** The value written or read: its low 32 bits, and the high ones of an 8-byte access. */
  value = 0;
  valueHigh = 0;
  /** Elements of a string, and how many of them are done. */
  count = 0;
  position = 0;
  /** The bytes of a string: written from here, or read into here. */
  bytes: Uint8Array | undefined = undefined;
  /** Where in guest memory a string that reads goes; it decides how many elements fit in one exit. */
  destination = 0;
  /** Whether the bytes that a string reads are also stored at `destination`. */
  stored = false;
  /** What a pause takes, in nanoseconds of guest time. */
  duration = 0;
  /** Recorded guest time of the operation; -1 for a program, whose time is modelled. */
  at = -1;
  /** False while the operation is under way: a string or a pause between two of its parts. */
  finished = true;

  copyFrom(other: GuestOperation): void {
    this.kind = other.kind;
    this.address = other.address;
    this.size = other.size;
    this.value = other.value;
    this.valueHigh = other.valueHigh;
    this.count = other.count;
    this.position = other.position;
    this.bytes = other.bytes;
    this.destination = other.destination;
    this.stored = other.stored;
    this.duration = other.duration;
    this.at = other.at;
    this.finished = other.finished;
  }
}

/** What a simulated vCPU executes: it is asked for one operation at a time. */
export interface GuestSource {
  /** How messages name it. */
  readonly name: string;
  /**
   * Puts the next operation into the object, which still holds the last one and what it read. False ends the guest.
   * An operation that was under way when an interrupt came is put back with its `position` or `duration` as it was.
   */
  next(operation: GuestOperation): boolean;
  /** The processor takes an interrupt here: the next operations are the handler's, up to its InterruptReturn. */
  interrupt(vector: number, operation: GuestOperation): void;
}
