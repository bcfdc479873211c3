import { LargestAddress, LargestPort, OperationKind } from './operation.ts';

/** Every access of a recording, in program order, as columns. The header's text is kept as it was. */
export interface RecordedTrace {
  readonly name: string;
  /** The lines that begin with '#', without that sign. */
  readonly header: readonly string[];
  readonly length: number;
  /** Nanoseconds since the first access; never goes back. */
  readonly at: Float64Array;
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
  #kind = new Uint8Array(1024);
  #address = new Float64Array(1024);
  #size = new Uint8Array(1024);
  #value = new Uint32Array(1024);
  #valueHigh = new Uint32Array(1024);

  /** Time of the last access, 0 before the first. */
  get lastAt(): number {
    return this.length === 0 ? 0 : this.#at[this.length - 1]!;
  }

  add(at: number, kind: number, address: number, size: number, value: number, valueHigh: number): void {
    if (this.length === this.#at.length) this.#grow();
    const index = this.length++;
    this.#at[index] = at;
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
      kind: this.#kind.slice(0, length),
      address: this.#address.slice(0, length),
      size: this.#size.slice(0, length),
      value: this.#value.slice(0, length),
      valueHigh: this.#valueHigh.slice(0, length),
    };
  }

  #grow(): void {
    const length = this.length * 2;
    this.#at = extended(this.#at, new Float64Array(length));
    this.#kind = extended(this.#kind, new Uint8Array(length));
    this.#address = extended(this.#address, new Float64Array(length));
    this.#size = extended(this.#size, new Uint8Array(length));
    this.#value = extended(this.#value, new Uint32Array(length));
    this.#valueHigh = extended(this.#valueHigh, new Uint32Array(length));
  }
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
