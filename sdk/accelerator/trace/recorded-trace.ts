import { SECOND } from '../../clock/time.ts';
import { LargestAddress, LargestPort, OperationKind } from '../guest/operation.ts';

/** Every access of a recording, in program order, as columns. The header's text is kept as it was. */
export interface RecordedTrace {
  readonly name: string;
  /** The lines that begin with '#', without that sign. */
  readonly header: readonly string[];
  readonly length: number;
  /** Nanoseconds of guest time; never goes back. Beyond 2^53 they are rounded, and `part` is there. */
  readonly at: Float64Array;
  /** Of each access the nanoseconds beyond whole seconds, exact however late it was; absent where `at` is exact. */
  readonly part?: Uint32Array;
  /** OperationKind: Out, In, Store or Load. */
  readonly kind: Uint8Array;
  readonly address: Float64Array;
  readonly size: Uint8Array;
  /** What was written, or what a read returned: the low 32 bits, and the high ones of an 8-byte access. */
  readonly value: Uint32Array;
  readonly valueHigh: Uint32Array;
  /** What was read by DMA, in lines. The replay of a run answers it from the recording; one of accesses alone does not. */
  readonly transfers?: number;
  /** Resets of the device by its client: how many accesses came before each. */
  readonly resets?: readonly number[];
  /** Of a recording of version 2: all that the guest did, and what came from outside. */
  readonly run?: RecordedRun;
}

/** What the lines of a recorded run say besides operations; the numbers follow those of OperationKind. */
export const RunEntry = {
  /** The vCPU takes an interrupt; the address is the vector. */
  Interrupt: 12,
  /** The rest of what a string reads, after an interrupt or a turn of another vCPU came in between. */
  Rest: 13,
  /** The guest cannot take the interrupt that precedes this line: a triple fault. */
  Fault: 14,
  /** The machine was reset, and the vCPU starts its guest anew. */
  Restart: 15,
  /** Machine code: an interrupt window opens, which is an exit. */
  Window: 16,
  /** Machine code: the instruction goes on, with more accesses. Instructions are its value, writes that it makes first its address. */
  Part: 17,
  /** The same, and its last. */
  Ends: 18,
} as const;

/** The bytes of a string operation, and where in memory a string that reads is stored. */
export interface RecordedString {
  readonly bytes: Uint8Array;
  /** Undefined for a string that is not stored in guest memory. */
  readonly destination?: number;
  readonly descending?: boolean;
}

/** A line about the world outside of the guest: an arrival, a page of a disk, a checksum of output. Rooms above read the rest. */
export interface OutsideLine {
  /** The number of entries that precede it. */
  readonly position: number;
  /** Guest time in nanoseconds since the machine was started, in decimal. */
  readonly at: string;
  readonly word: OutsideWord;
  readonly rest: string;
  /** Number of the line in the recording, from 1. */
  readonly line: number;
}

/** `IN` is an arrival, `BLK` a page of a disk, `ERR` an error of an image, `OUT` a checksum of output. */
export type OutsideWord = 'IN' | 'BLK' | 'ERR' | 'OUT';

/** What devices transferred by DMA while machine code ran, in order. */
export interface RecordedDma {
  /**
   * `Load` is what a device read: the value is the number of bytes, valueHigh their place in `bytes`. `Store` is what it wrote: valueHigh is
   * the checksum.
   */
  readonly transfers: RecordedTrace;
  readonly bytes: Uint8Array;
}

/** The last line of a recording that was ended: how far the run came, and why it ended. */
export interface RecordedEnd {
  /** Operations of all vCPUs since the recording began; each element of a string counts. */
  readonly operations: number;
  /** Guest time in nanoseconds since the machine was started. */
  readonly at: bigint;
  /** A RunEnd, such as 'finished' or 'paused'. */
  readonly reason: string;
}

/** A run of guest programs as it was recorded, operation by operation (format version 2). */
export interface RecordedRun {
  /** Operations and interrupts, as columns. A string has its count as value, a pause its duration as address. */
  readonly entries: RecordedTrace;
  /** The vCPU of each entry. */
  readonly vcpu: Uint8Array;
  readonly strings: ReadonlyMap<number, RecordedString>;
  readonly outside: readonly OutsideLine[];
  readonly dma: RecordedDma;
  /** Undefined if the recording was cut off. */
  readonly end: RecordedEnd | undefined;
}

const columnsOf = (length: number) => ({
  at: new Float64Array(length),
  part: new Uint32Array(length),
  kind: new Uint8Array(length),
  address: new Float64Array(length),
  size: new Uint8Array(length),
  value: new Uint32Array(length),
  valueHigh: new Uint32Array(length),
});

/** The columns while a trace is being read: they grow by doubling, and are cut to length at the end. */
export class TraceColumns {
  length = 0;
  /** Lines of what was read by DMA. */
  transfers = 0;
  readonly #resets: number[] = [];
  #columns = columnsOf(1024);

  /** Guest time of the last access in nanoseconds, 0 before the first. */
  get lastTime(): bigint {
    const [at, part] = [this.#columns.at[this.length - 1] ?? 0, this.#columns.part[this.length - 1] ?? 0];
    return timeOf(at, part);
  }

  isLaterThan(at: number, part: number): boolean {
    const last = this.#columns.at[this.length - 1] ?? 0;
    return at < last || (at === last && part < this.#columns.part[this.length - 1]!);
  }

  /** The device was reset here. Resets without an access between them are one. */
  addReset(): void {
    if (this.#resets.at(-1) !== this.length) this.#resets.push(this.length);
  }

  /** `part` is the nanoseconds beyond whole seconds where `at` is beyond 2^53, and 0 elsewhere. */
  add(at: number, kind: number, address: number, size: number, value: number, valueHigh: number, part = 0): void {
    if (this.length === this.#columns.at.length) this.#grow();
    const index = this.length++;
    const columns = this.#columns;
    columns.at[index] = at;
    columns.part[index] = part;
    columns.kind[index] = kind;
    columns.address[index] = address;
    columns.size[index] = size;
    columns.value[index] = value;
    columns.valueHigh[index] = valueHigh;
  }

  finish(name: string, header: readonly string[]): RecordedTrace {
    const { length } = this;
    const { at, part, kind, address, size, value, valueHigh } = this.#columns;
    const isRounded = this.lastTime > BigInt(Number.MAX_SAFE_INTEGER);
    const exact = (nanoseconds: number, index: number) =>
      at[index]! <= Number.MAX_SAFE_INTEGER ? at[index]! % SECOND : nanoseconds;
    return {
      name,
      header,
      length,
      ...(this.transfers === 0 ? {} : { transfers: this.transfers }),
      ...(this.#resets.length === 0 ? {} : { resets: this.#resets }),
      at: at.slice(0, length),
      ...(isRounded ? { part: part.slice(0, length).map(exact) } : {}),
      kind: kind.slice(0, length),
      address: address.slice(0, length),
      size: size.slice(0, length),
      value: value.slice(0, length),
      valueHigh: valueHigh.slice(0, length),
    };
  }

  #grow(): void {
    const longer = columnsOf(2 * this.length);
    for (const name of Object.keys(longer) as (keyof typeof longer)[]) longer[name].set(this.#columns[name]);
    this.#columns = longer;
  }
}

/** Of a time that is rounded, and its exact nanoseconds beyond whole seconds. */
const wholeSeconds = (at: number, part: number): number => Math.round((at - part) / SECOND);

/** A time in nanoseconds, with its exact part beyond whole seconds where it is beyond 2^53. */
export const timeOf = (at: number, part: number): bigint =>
  at <= Number.MAX_SAFE_INTEGER ? BigInt(at) : exactTime(at, part);
const exactTime = (at: number, part: number): bigint => BigInt(wholeSeconds(at, part)) * BigInt(SECOND) + BigInt(part);

/** Guest time of an access in nanoseconds, counted from `second`: exact up to 2^53. */
export function timeFrom({ at, part }: RecordedTrace, index: number, second: number): number {
  const time = at[index]!;
  if (part === undefined) return time - second * SECOND;
  return (wholeSeconds(time, part[index]!) - second) * SECOND + part[index]!;
}

/** Guest time at the end of a recording, in nanoseconds. */
export function endOf({ at, part, length }: RecordedTrace): bigint {
  const time = at[length - 1] ?? 0;
  return part === undefined ? BigInt(time) : exactTime(time, part[length - 1] ?? 0);
}

/** Why an access cannot be what a guest did, as what was expected instead; undefined if it is in order. */
export function refuseAccess(
  kind: number,
  address: number,
  size: number,
  value: number,
  valueHigh: number,
): string | undefined {
  const isPort = kind === OperationKind.Out || kind === OperationKind.In;
  if (size !== 1 && size !== 2 && size !== 4 && (isPort || size !== 8)) {
    return isPort ? 'a port access of 1, 2 or 4 bytes' : 'a memory access of 1, 2, 4 or 8 bytes';
  }
  if (isPort && address > LargestPort) return 'a port from 0 to ffff';
  if (!isPort && address > LargestAddress - (size - 1)) return 'an address below 10000000000000 (52 bits)';
  if (size === 8 || (valueHigh === 0 && value <= 2 ** (8 * size) - 1)) return undefined;
  return `a value of ${size} ${size === 1 ? 'byte' : 'bytes'}`;
}
