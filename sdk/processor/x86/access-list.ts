import type { GuestOperation, OperationKind } from '../../accelerator/guest/operation.ts';

/** A string instruction is cut into pieces of this many elements. An element that crosses a page has several accesses. */
export const LargestPiece = 1024;
/** The same where they meet no device. */
export const LargestRamPiece = 2 ** 20;
/** An entry ends behind the instruction with so many accesses that need no exit. */
export const MostAnswered = 1024;
/** A page of bytes: a string that meets RAM only is not asked about within one. What a longer one has done in one go is counted. */
export const LongString = 4096;
export const LongStringPiece = 0x1_0000;
/** More accesses than any one instruction, or piece, has. */
const Capacity = 4 * LargestPiece;

/** Accesses in their order, each five numbers, without allocation. */
export class AccessList {
  count = 0;
  readonly #kind = new Uint8Array(Capacity);
  readonly #size = new Uint8Array(Capacity);
  readonly #address = new Float64Array(Capacity);
  readonly #low = new Uint32Array(Capacity);
  readonly #high = new Uint32Array(Capacity);

  /** False: it is full. */
  add(kind: number, address: number, size: number, low: number, high: number): boolean {
    const at = this.count;
    if (at === Capacity) return false;
    this.#kind[at] = kind;
    this.#address[at] = address;
    this.#size[at] = size;
    this.setValue(at, low, high);
    this.count = at + 1;
    return true;
  }

  setValue(at: number, low: number, high: number): void {
    this.#low[at] = low;
    this.#high[at] = high;
  }

  is(at: number, kind: number, address: number, size: number): boolean {
    return this.#kind[at] === kind && this.#address[at] === address && this.#size[at] === size;
  }

  kind(at: number): number {
    return this.#kind[at]!;
  }

  low(at: number): number {
    return this.#low[at]!;
  }

  describe(at: number, operation: GuestOperation): void {
    operation.kind = this.#kind[at] as OperationKind;
    operation.address = this.#address[at]!;
    operation.size = this.#size[at]!;
    operation.value = this.#low[at]!;
    operation.valueHigh = this.#high[at]!;
  }
}
