import { MemTxAttributes, MemTxResult } from './access-attributes.ts';
import { dispatchRead, dispatchRead64, dispatchWrite, dispatchWrite64 } from './access-dispatch.ts';
import type { Target } from './dispatch-table.ts';
import type { MemoryTopology } from './topology.ts';

// The general form of an access: any length, over any number of ranges. Each turn looks up the next byte anew, since a
// handler may have changed the map. RAM takes as much as it holds; a device takes what it accepts at that
// offset, even past the end of its range. Results are ORed.

const LowHalf = 0xffff_ffffn;

/** What this file needs of an address space. */
export interface TargetFinder {
  readonly topology: MemoryTopology;
  targetAt(address: number): Target;
  result: number;
}

// Up to eight bytes are two numbers, the low half and the high one, since bigints cost several times as much. Bigints are for
// regions and callers that take eight bytes at once.

/** High half of the last read here; valid until the next call. */
let upperHalf = 0;

export function writeSplit(
  space: TargetFinder,
  address: number,
  value: number,
  size: number,
  attributes: number,
): number {
  return writeParts(space, address, value, 0, size, attributes);
}

/** 8 bytes; regions that accept 8 get them as one bigint. */
export function readSplit64(space: TargetFinder, address: number, attributes: number): bigint {
  const low = readSplit(space, address, 8, attributes);
  return joined(low, upperHalf);
}

export function writeSplit64(space: TargetFinder, address: number, value: bigint, attributes: number): number {
  return writeParts(space, address, Number(value & LowHalf), Number(value >> 32n), 8, attributes);
}

/** 1 to 8 bytes: answers the low half, unsigned, and leaves the upper one in `upperHalf`. */
export function readSplit(space: TargetFinder, address: number, size: number, attributes: number): number {
  let low = 0;
  let high = 0;
  let result = 0;
  for (let done = 0; done < size; ) {
    const at = address + done;
    const target = space.targetAt(at);
    const length = partLength(target, at, size - done, target.directRead, attributes);
    const part = readPart(space.topology, target, at, length, attributes);
    const shift = 8 * done;
    if (shift === 0) high = upperHalf;
    else high |= shift < 32 ? (upperHalf << shift) | (part >>> (32 - shift)) : part << (shift - 32);
    if (shift < 32) low |= part << shift;
    result |= space.topology.accessResult;
    done += length;
  }
  space.result = result;
  upperHalf = high;
  return low >>> 0;
}

function writeParts(
  space: TargetFinder,
  address: number,
  low: number,
  high: number,
  size: number,
  attributes: number,
): number {
  let result = 0;
  for (let done = 0; done < size; ) {
    const at = address + done;
    const target = space.targetAt(at);
    const length = partLength(target, at, size - done, target.directWrite, attributes);
    const shift = 8 * done;
    if (shift === 0) writePart(space.topology, target, at, low, high, length, attributes);
    else if (shift >= 32) writePart(space.topology, target, at, high >>> (shift - 32), 0, length, attributes);
    else {
      const part = (low >>> shift) | (high << (32 - shift));
      writePart(space.topology, target, at, part, high >>> shift, length, attributes);
    }
    result |= space.topology.accessResult;
    done += length;
  }
  space.result = result;
  return result;
}

export function readBytes(space: TargetFinder, address: number, buffer: Uint8Array, attributes: number): number {
  let result = 0;
  for (let done = 0; done < buffer.length; ) {
    const at = address + done;
    const target = space.targetAt(at);
    const length = partLength(target, at, buffer.length - done, target.directRead, attributes);
    if (target.directRead) {
      const offset = at + target.delta;
      buffer.set(target.block!.bytes.subarray(offset, offset + length), done);
    } else if (isRefused(target, attributes)) {
      buffer.fill(0, done, done + length);
      result |= MemTxResult.AccessError;
    } else {
      storeBytes(buffer, done, readPart(space.topology, target, at, length, attributes), upperHalf, length);
      result |= space.topology.accessResult;
    }
    done += length;
  }
  space.result = result;
  return result;
}

export function writeBytes(space: TargetFinder, address: number, source: Uint8Array, attributes: number): number {
  let result = 0;
  for (let done = 0; done < source.length; ) {
    const at = address + done;
    const target = space.targetAt(at);
    const length = partLength(target, at, source.length - done, target.directWrite, attributes);
    if (target.directWrite) {
      storeRam(target, at, source.subarray(done, done + length));
    } else if (isRefused(target, attributes)) {
      result |= MemTxResult.AccessError;
    } else {
      const low = loadBytes(source, done, length);
      writePart(space.topology, target, at, low, upperHalf, length, attributes);
      result |= space.topology.accessResult;
    }
    done += length;
  }
  space.result = result;
  return result;
}

/** Stores into RAM, ROM and flash alike; whatever else is there is left alone and reported. */
export function writeRom(space: TargetFinder, address: number, source: Uint8Array): number {
  let result = 0;
  for (let done = 0; done < source.length; ) {
    const target = space.targetAt(address + done);
    const isHole = target.region === space.topology.unassigned;
    const length = isHole ? 1 : Math.min(source.length - done, target.end - address - done);
    if (target.block === null) result |= MemTxResult.DecodeError;
    else storeRam(target, address + done, source.subarray(done, done + length));
    done += length;
  }
  space.result = result;
  return result;
}

function storeRam(target: Target, address: number, source: Uint8Array): void {
  const offset = address + target.delta;
  target.block!.bytes.set(source, offset);
  if (target.noteWrites) target.region.dirty.wrote(offset, source.length);
}

function isRefused(target: Target, attributes: number): boolean {
  return (attributes & MemTxAttributes.Memory) !== 0 && target.region.kind !== 'ram' && target.region.kind !== 'rom';
}

function partLength(target: Target, address: number, left: number, direct: boolean, attributes: number): number {
  if (direct) return Math.min(left, target.end - address);
  return isRefused(target, attributes) ? left : target.region.ops.accessSize(left, address + target.delta);
}

/** Up to 8 bytes of one target, as halves; how it ended is left in `topology.accessResult`. */
function readPart(
  topology: MemoryTopology,
  target: Target,
  address: number,
  length: number,
  attributes: number,
): number {
  const offset = address + target.delta;
  if (target.directRead) {
    topology.accessResult = MemTxResult.Ok;
    return loadBytes(target.block!.bytes, offset, length);
  }
  if (!prepare(topology, target, attributes)) {
    upperHalf = 0;
    return 0;
  }
  if (length <= 4) {
    const value = dispatchRead(target.region, offset, length, attributes);
    upperHalf = 0;
    return value;
  }
  const value = dispatchRead64(target.region, offset, attributes);
  upperHalf = Number(value >> 32n);
  return Number(value & LowHalf);
}

function writePart(
  topology: MemoryTopology,
  target: Target,
  address: number,
  low: number,
  high: number,
  length: number,
  attributes: number,
): void {
  const offset = address + target.delta;
  if (target.directWrite) {
    storeBytes(target.block!.bytes, offset, low, high, length);
    if (target.noteWrites) target.region.dirty.wrote(offset, length);
    topology.accessResult = MemTxResult.Ok;
  } else if (!prepare(topology, target, attributes)) {
    return;
  } else if (length <= 4) {
    dispatchWrite(target.region, low, offset, length, attributes);
  } else {
    dispatchWrite64(target.region, joined(low, high), offset, attributes);
  }
}

const joined = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** Up to 8 bytes, little endian: the low half, and the upper one in `upperHalf`. */
function loadBytes(bytes: Uint8Array, offset: number, length: number): number {
  let low = 0;
  let high = 0;
  for (let byte = 0; byte < length; byte++) {
    const value = bytes[offset + byte]! << (8 * (byte & 3));
    if (byte < 4) low |= value;
    else high |= value;
  }
  upperHalf = high;
  return low;
}

function storeBytes(bytes: Uint8Array, offset: number, low: number, high: number, length: number): void {
  for (let byte = 0; byte < length; byte++) bytes[offset + byte] = (byte < 4 ? low : high) >>> (8 * (byte & 3));
}

/** Delivers queued writes before an access that must find them done. */
function prepare(topology: MemoryTopology, target: Target, attributes: number): boolean {
  if (isRefused(target, attributes)) {
    topology.accessResult = MemTxResult.AccessError;
    return false;
  }
  if (target.region.flushCoalescedIo) topology.coalescedIoFlusher.flushCoalescedIo();
  return true;
}
