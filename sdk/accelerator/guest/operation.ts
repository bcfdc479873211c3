import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';

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

export type OperationKind = (typeof OperationKind)[keyof typeof OperationKind];

/** The largest port number and guest physical address. */
export const LargestPort = 0xffff;
export const LargestAddress = 2 ** 52 - 1;
/** One rep string moves at most this much, so that no guest can make the host allocate without end. */
export const LargestString = 1 << 20;

export const LongestPause = 2 ** 52;

/**
 * One guest operation. A vCPU owns one object and reuses it for every operation. The guest fills it in. The kernel writes
 * what was read back into it, and then asks for the next one.
 */
export class GuestOperation {
  kind: OperationKind = OperationKind.None;
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
  /** Where in guest memory a string that reads goes; it decides how many elements one exit fetches. */
  destination = 0;
  /** With the direction flag set, the elements go to `destination` and downwards from there. */
  descending = false;
  /** Whether the bytes that a string reads are also stored at `destination`. */
  stored = false;
  /** What a pause takes, in nanoseconds of guest time. */
  duration = 0;
  /** Recorded guest time of the operation; -1 for a program, whose time is modelled. */
  at = -1;
  /** False while the operation is under way: a string or a pause between two of its parts. */
  finished = true;

  /** The epoch of guest time has moved. A recorded time that has passed stays a recorded one. */
  rebase(nanoseconds: number): void {
    if (this.at >= 0) this.at = Math.max(0, this.at - nanoseconds);
  }

  copyFrom(other: GuestOperation): void {
    Object.assign(this, other);
  }
}

/** Thrown by a guest that cannot take an interrupt: its fault cannot be delivered either, so the processor shuts down. */
export class TripleFault extends BackplaneError {}

/** What a simulated vCPU executes: it is asked for one operation at a time. */
export interface GuestSource {
  /** How messages name it. */
  readonly name: string;
  /** How messages say where it is, if it knows: `Recording 'boot' at access 12 of 345`. */
  readonly whereabouts?: string;
  /**
   * Puts the next operation into the object, which still holds the last one and what it read. False ends the guest.
   * An operation that was under way when an interrupt came is put back with its `position` or `duration` as it was.
   */
  next(operation: GuestOperation): boolean;
  /**
   * The processor takes an interrupt here: the next operations are the handler's, up to its InterruptReturn. A guest that
   * cannot take it throws a TripleFault.
   */
  interrupt(vector: number, operation: GuestOperation): void;
  /**
   * Times of operations count from this second of guest time on; the operation under way too. For guests that have recorded
   * times.
   */
  countFrom?(epoch: bigint, operation: GuestOperation): void;
}

const KindNames = 'nothing,out,in,store,load,rep outs,rep ins,hlt,cli,sti,pause,iret'.split(',');

/** The operation as messages call it: `out32 at 0xcf8`. */
export function describeOperation(operation: GuestOperation): string {
  const { kind, address, size } = operation;
  const name = KindNames[kind] ?? `operation of kind ${kind}`;
  if (kind < OperationKind.Out || kind > OperationKind.RepIns) return name;
  const where = Number.isFinite(address) && address >= 0 ? hex(Math.floor(address)) : String(address);
  return `${name}${size * 8} at ${where}`;
}

/** Why no processor could execute this, as a sentence; undefined for an operation that is in order. */
export function refuseOperation(operation: GuestOperation): string | undefined {
  const { kind, address, size } = operation;
  if (kind >= OperationKind.Hlt && kind <= OperationKind.InterruptReturn) {
    if (kind !== OperationKind.Pause || (operation.duration >= 0 && operation.duration <= LongestPause))
      return undefined;
    return `a pause takes from 0 to 2 ** 52 nanoseconds, not ${operation.duration}. Make several of a longer one.`;
  }
  if (!(kind >= OperationKind.Out && kind <= OperationKind.RepIns)) {
    return 'there is no such operation. Yield only what the guest offers: yield* guest.out8(...).';
  }
  const isMemory = kind === OperationKind.Store || kind === OperationKind.Load;
  if (size !== 1 && size !== 2 && size !== 4 && !(isMemory && size === 8)) {
    return `an access has 1, 2 or 4 bytes, to memory also 8, not ${size}.`;
  }
  const largest = isMemory ? LargestAddress - (size - 1) : LargestPort;
  if (!Number.isInteger(address) || address < 0 || address > largest) {
    return isMemory ? 'a guest physical address is 0 to 2 ** 52 - 1.' : 'a port is 0 to 0xffff.';
  }
  if (kind >= OperationKind.RepOuts) return refuseString(operation);
  return refuseValue(operation);
}

function refuseValue({ kind, size, value, valueHigh }: GuestOperation): string | undefined {
  if (kind === OperationKind.In || kind === OperationKind.Load) return undefined;
  const largest = size === 1 ? 0xff : size === 2 ? 0xffff : 0xffff_ffff;
  if (Number.isInteger(value) && value >= 0 && value <= largest && valueHigh >>> 0 === valueHigh) return undefined;
  return `its value is a whole number from 0 to ${hex(largest)}, not ${value}.`;
}

function refuseString(operation: GuestOperation): string | undefined {
  const { kind, size, count, position, bytes, destination, descending } = operation;
  if (!Number.isInteger(count) || count < 0 || count * size > LargestString || !(position >= 0 && position <= count)) {
    return `a string has 0 to ${LargestString / size} elements of this size, not ${count}.`;
  }
  if (kind === OperationKind.RepOuts && (bytes?.length ?? 0) < count * size) {
    return `a string of ${count} elements needs ${count * size} bytes, and has ${bytes?.length ?? 0}.`;
  }
  const lowest = descending ? destination - Math.max(0, count - 1) * size : destination;
  if (Number.isInteger(destination) && lowest >= 0 && destination + LargestString <= LargestAddress) return undefined;
  return `its destination is a guest physical address, not ${destination}.`;
}
