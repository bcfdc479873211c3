import { type GuestOperation, OperationKind } from './operation.ts';

/** An interrupt, among the operations of a log: its address is the vector. */
export const InterruptEntry = 12;

/** A log ends here: a program that has done more cannot be saved, and its log is dropped. */
export const LogLimits = {
  /** Entries; equal operations in a row are one. */
  entries: 1_000_000,
  /** Operations: what a restore has to go through again. */
  operations: 10_000_000,
  /** Bytes that strings have read. */
  bytes: 16 * 1024 * 1024,
} as const;

/** How far an operation had come when an interrupt came, or the log ended. */
export interface Progress {
  readonly position: number;
  readonly duration: number;
  /** Of a string that reads: what it has read so far, and room for the rest. */
  readonly bytes: Uint8Array | undefined;
}

/** One operation, what became of it, and how often in a row; or one interrupt. */
export interface LogEntry {
  kind: OperationKind | typeof InterruptEntry;
  /** Port or address; the vector of an interrupt; the nanoseconds of a pause. */
  address: number;
  size: number;
  /** What was written or read; of a string that writes, a checksum. */
  value: number;
  valueHigh: number;
  /** Elements of a string. */
  count: number;
  repeated: number;
  /** What a string has read. */
  bytes: Uint8Array | undefined;
  /** Of an interrupt: the operation that it came in the middle of. */
  progress: Progress | undefined;
}

export function newEntry(): LogEntry {
  return {
    kind: OperationKind.None,
    address: 0,
    size: 1,
    value: 0,
    valueHigh: 0,
    count: 0,
    repeated: 1,
    bytes: undefined,
    progress: undefined,
  };
}

/** What the program asked for, as an entry without its outcome. */
export function describeInto(entry: LogEntry, operation: GuestOperation): void {
  const { kind } = operation;
  const isAccess = kind >= OperationKind.Out && kind <= OperationKind.RepIns;
  const isString = kind === OperationKind.RepOuts || kind === OperationKind.RepIns;
  const writes = kind === OperationKind.Out || kind === OperationKind.Store;
  entry.kind = kind;
  entry.address = kind === OperationKind.Pause ? operation.duration : isAccess ? operation.address : 0;
  entry.size = isAccess ? operation.size : 1;
  entry.value = writes ? operation.value : kind === OperationKind.RepOuts ? checksum(operation.bytes) : 0;
  entry.valueHigh = writes && operation.size === 8 ? operation.valueHigh : 0;
  entry.count = isString ? operation.count : 0;
  entry.repeated = 1;
  entry.bytes = entry.progress = undefined;
}

export function reads(kind: number): boolean {
  return kind === OperationKind.In || kind === OperationKind.Load;
}

/** FNV-1a, 32 bits. */
function checksum(bytes: Uint8Array | undefined): number {
  let sum = 0x811c_9dc5;
  for (const byte of bytes ?? []) sum = Math.imul(sum ^ byte, 0x0100_0193);
  return sum >>> 0;
}

const columnsOf = (length: number) => ({
  kind: new Uint8Array(length),
  size: new Uint8Array(length),
  address: new Float64Array(length),
  value: new Uint32Array(length),
  valueHigh: new Uint32Array(length),
  count: new Uint32Array(length),
  repeated: new Uint32Array(length),
});

/**
 * What a guest program has done and read, in columns. With it the program is brought back to where it was, by running its
 * generator again: generators cannot be copied.
 */
export class GuestLog {
  length = 0;
  operations = 0;
  /** Called when it is dropped. */
  onDrop: (() => void) | undefined;
  #bytes = 0;
  #dropped = false;
  #columns = columnsOf(64);
  readonly #details = new Map<number, Pick<LogEntry, 'bytes' | 'progress'>>();

  /** Grew beyond its limits, and was dropped. */
  get overflowed(): boolean {
    return this.#dropped;
  }

  add(entry: LogEntry): void {
    if (this.#dropped) return;
    const last = this.length - 1;
    const { bytes, progress, repeated } = entry;
    const hasDetails = bytes !== undefined || progress !== undefined;
    this.operations += repeated;
    this.#bytes += (bytes?.length ?? 0) + (progress?.bytes?.length ?? 0);
    if (!hasDetails && last >= 0 && this.#repeats(last, entry)) this.#columns.repeated[last]! += repeated;
    else {
      if (hasDetails) this.#details.set(this.length, { bytes, progress });
      this.#append(entry);
    }
    if (this.length > LogLimits.entries || this.operations > LogLimits.operations || this.#bytes > LogLimits.bytes) {
      this.#drop();
    }
  }

  *entries(): Generator<LogEntry, void, undefined> {
    for (let index = 0; index < this.length; index++) {
      const { kind, size, address, value, valueHigh, count, repeated } = this.#columns;
      const { bytes, progress } = this.#details.get(index) ?? {};
      yield {
        kind: kind[index] as LogEntry['kind'],
        address: address[index]!,
        size: size[index]!,
        value: value[index]!,
        valueHigh: valueHigh[index]!,
        count: count[index]!,
        repeated: repeated[index]!,
        bytes,
        progress,
      };
    }
  }

  #repeats(index: number, entry: LogEntry): boolean {
    const { kind, size, address, value, valueHigh, count } = this.#columns;
    return (
      kind[index] === entry.kind &&
      address[index] === entry.address &&
      value[index] === entry.value &&
      size[index] === entry.size &&
      valueHigh[index] === entry.valueHigh &&
      count[index] === entry.count &&
      entry.kind !== InterruptEntry &&
      !this.#details.has(index)
    );
  }

  #append(entry: LogEntry): void {
    if (this.length === this.#columns.kind.length) this.#grow();
    const index = this.length++;
    const { kind, size, address, value, valueHigh, count, repeated } = this.#columns;
    kind[index] = entry.kind;
    size[index] = entry.size;
    address[index] = entry.address;
    value[index] = entry.value;
    valueHigh[index] = entry.valueHigh;
    count[index] = entry.count;
    repeated[index] = entry.repeated;
  }

  #grow(): void {
    const longer = columnsOf(2 * this.length);
    for (const name of Object.keys(longer) as (keyof typeof longer)[]) longer[name].set(this.#columns[name]);
    this.#columns = longer;
  }

  #drop(): void {
    this.#dropped = true;
    this.length = 0;
    this.#details.clear();
    this.#columns = columnsOf(0);
    this.onDrop?.();
  }
}
