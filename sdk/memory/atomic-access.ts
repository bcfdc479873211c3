import type { AddressSpace } from './address-space.ts';

const words = new WeakMap<ArrayBufferLike, Uint16Array>();
const wordSize = 2;

/** 16-bit view of a whole buffer. */
function wordsOf(buffer: ArrayBufferLike): Uint16Array {
  let view = words.get(buffer);
  if (view === undefined) {
    view = new Uint16Array(buffer, 0, Math.floor(buffer.byteLength / wordSize));
    words.set(buffer, view);
  }
  return view;
}

/**
 * Reads 16 bits of RAM in one piece, in order with all other atomic accesses, those of other processes too. Undefined where no
 * RAM is, or at an odd address.
 */
export function atomicLoad16(space: AddressSpace, address: number): number | undefined {
  const { directRead, block, end, delta } = space.targetAt(address);
  if (!directRead || address + wordSize > end) return undefined;
  const { bytes } = block!;
  const offset = bytes.byteOffset + address + delta;
  return offset % wordSize === 0 ? Atomics.load(wordsOf(bytes.buffer), offset / wordSize) : undefined;
}

/** Writes 16 bits of RAM in one piece, after all that was written before. False where no RAM is, or at an odd address. */
export function atomicStore16(space: AddressSpace, address: number, value: number): boolean {
  const { directWrite, block, end, delta, noteWrites, region } = space.targetAt(address);
  if (!directWrite || address + wordSize > end) return false;
  const { bytes } = block!;
  const offset = bytes.byteOffset + address + delta;
  if (offset % wordSize !== 0) return false;
  Atomics.store(wordsOf(bytes.buffer), offset / wordSize, value);
  if (noteWrites) region.dirty.wrote(address + delta, wordSize);
  return true;
}

const fenceWord = new Int32Array(1);

/** No later access comes before an earlier one. */
export function fullFence(): void {
  Atomics.add(fenceWord, 0, 1);
}
