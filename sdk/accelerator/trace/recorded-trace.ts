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
}

/** The columns while a trace is being read: they grow by doubling, and are cut to length at the end. */
export class TraceColumns {
  length = 0;
  #at = new Float64Array(1024);
  #part = new Uint32Array(1024);
  #kind = new Uint8Array(1024);
  #address = new Float64Array(1024);
  #size = new Uint8Array(1024);
  #value = new Uint32Array(1024);
  #valueHigh = new Uint32Array(1024);

  /** Guest time of the last access in nanoseconds, 0 before the first. */
  get lastTime(): bigint {
    const [at, part] = [this.#at[this.length - 1] ?? 0, this.#part[this.length - 1] ?? 0];
    return at <= Number.MAX_SAFE_INTEGER ? BigInt(at) : exactTime(at, part);
  }

  /** Whether the last access was later than this. */
  isLaterThan(at: number, part: number): boolean {
    const last = this.#at[this.length - 1] ?? 0;
    return at < last || (at === last && part < this.#part[this.length - 1]!);
  }

  /** `part` is the nanoseconds beyond whole seconds where `at` is beyond 2^53, and 0 elsewhere. */
  add(at: number, kind: number, address: number, size: number, value: number, valueHigh: number, part = 0): void {
    if (this.length === this.#at.length) this.#grow();
    const index = this.length++;
    this.#at[index] = at;
    this.#part[index] = part;
    this.#kind[index] = kind;
    this.#address[index] = address;
    this.#size[index] = size;
    this.#value[index] = value;
    this.#valueHigh[index] = valueHigh;
  }

  finish(name: string, header: readonly string[]): RecordedTrace {
    const { length } = this;
    return {
      name,
      header,
      length,
      at: this.#at.slice(0, length),
      ...(this.lastTime > BigInt(Number.MAX_SAFE_INTEGER) ? { part: this.#parts() } : {}),
      kind: this.#kind.slice(0, length),
      address: this.#address.slice(0, length),
      size: this.#size.slice(0, length),
      value: this.#value.slice(0, length),
      valueHigh: this.#valueHigh.slice(0, length),
    };
  }

  #parts(): Uint32Array {
    return this.#part.slice(0, this.length).map((part, index) => {
      const at = this.#at[index]!;
      return at <= Number.MAX_SAFE_INTEGER ? at % SECOND : part;
    });
  }

  #grow(): void {
    const length = this.length * 2;
    this.#at = extended(this.#at, new Float64Array(length));
    this.#part = extended(this.#part, new Uint32Array(length));
    this.#kind = extended(this.#kind, new Uint8Array(length));
    this.#address = extended(this.#address, new Float64Array(length));
    this.#size = extended(this.#size, new Uint8Array(length));
    this.#value = extended(this.#value, new Uint32Array(length));
    this.#valueHigh = extended(this.#valueHigh, new Uint32Array(length));
  }
}

/** Of a time that is rounded, and its exact nanoseconds beyond whole seconds. */
const wholeSeconds = (at: number, part: number): number => Math.round((at - part) / SECOND);
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

function extended<T extends Float64Array | Uint8Array | Uint32Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
