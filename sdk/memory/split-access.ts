import { MemTxAttributes, MemTxResult } from './access-attributes.ts';
import type { FlatRange } from './flat-view.ts';
import type { MemoryTopology } from './memory-transaction.ts';
import { dispatchRead, dispatchRead64, dispatchWrite, dispatchWrite64 } from './region-dispatch.ts';

// The general form of an access: any length, over any number of ranges. Each turn asks anew who answers at the next
// byte, since a handler may have changed the map. RAM takes as much as it holds; a device takes what it accepts at that
// offset, even past the end of its range. Results are ORed.

/** What this file needs of an address space. */
export interface RangeFinder {
  readonly topology: MemoryTopology;
  rangeAt(address: number): FlatRange;
  result: number;
}

/** 1 to 4 bytes as an unsigned number. */
export function readSplit(space: RangeFinder, address: number, size: number, attributes: number): number {
  let value = 0;
  let result = 0;
  for (let done = 0; done < size; ) {
    const range = space.rangeAt(address + done);
    const length = partLength(range, address + done, size - done, range.directRead, attributes);
    value |= readPart(space.topology, range, address + done, length, attributes) << (8 * done);
    result |= space.topology.accessResult;
    done += length;
  }
  space.result = result;
  return value >>> 0;
}

export function writeSplit(
  space: RangeFinder,
  address: number,
  value: number,
  size: number,
  attributes: number,
): number {
  let result = 0;
  for (let done = 0; done < size; ) {
    const range = space.rangeAt(address + done);
    const length = partLength(range, address + done, size - done, range.directWrite, attributes);
    writePart(space.topology, range, address + done, value >>> (8 * done), length, attributes);
    result |= space.topology.accessResult;
    done += length;
  }
  space.result = result;
  return result;
}

/** 8 bytes; regions that accept 8 get them as one bigint. */
export function readSplit64(space: RangeFinder, address: number, attributes: number): bigint {
  let value = 0n;
  let result = 0;
  for (let done = 0; done < 8; ) {
    const range = space.rangeAt(address + done);
    const length = partLength(range, address + done, 8 - done, range.directRead, attributes);
    value |= readWidePart(space.topology, range, address + done, length, attributes) << BigInt(8 * done);
    result |= space.topology.accessResult;
    done += length;
  }
  space.result = result;
  return value;
}

export function writeSplit64(space: RangeFinder, address: number, value: bigint, attributes: number): number {
  let result = 0;
  for (let done = 0; done < 8; ) {
    const range = space.rangeAt(address + done);
    const length = partLength(range, address + done, 8 - done, range.directWrite, attributes);
    writeWidePart(space.topology, range, address + done, value >> BigInt(8 * done), length, attributes);
    result |= space.topology.accessResult;
    done += length;
  }
  space.result = result;
  return result;
}

export function readBytes(space: RangeFinder, address: number, target: Uint8Array, attributes: number): number {
  let result = 0;
  for (let done = 0; done < target.length; ) {
    const at = address + done;
    const range = space.rangeAt(at);
    const length = partLength(range, at, target.length - done, range.directRead, attributes);
    if (range.directRead) {
      const offset = at + range.delta;
      target.set(range.block!.bytes.subarray(offset, offset + length), done);
    } else if (isRefused(range, attributes)) {
      target.fill(0, done, done + length);
      result |= MemTxResult.AccessError;
    } else {
      const value = readWidePart(space.topology, range, at, length, attributes);
      for (let byte = 0; byte < length; byte++) target[done + byte] = Number((value >> BigInt(8 * byte)) & 0xffn);
      result |= space.topology.accessResult;
    }
    done += length;
  }
  space.result = result;
  return result;
}

export function writeBytes(space: RangeFinder, address: number, source: Uint8Array, attributes: number): number {
  let result = 0;
  for (let done = 0; done < source.length; ) {
    const at = address + done;
    const range = space.rangeAt(at);
    const length = partLength(range, at, source.length - done, range.directWrite, attributes);
    if (range.directWrite) {
      storeRam(range, at, source.subarray(done, done + length));
    } else if (isRefused(range, attributes)) {
      result |= MemTxResult.AccessError;
    } else {
      let value = 0n;
      for (let byte = length - 1; byte >= 0; byte--) value = (value << 8n) | BigInt(source[done + byte]!);
      writeWidePart(space.topology, range, at, value, length, attributes);
      result |= space.topology.accessResult;
    }
    done += length;
  }
  space.result = result;
  return result;
}

/** Stores into RAM, ROM and flash alike; whatever else is there is left alone and reported. */
export function writeRom(space: RangeFinder, address: number, source: Uint8Array): number {
  let result = 0;
  for (let done = 0; done < source.length; ) {
    const range = space.rangeAt(address + done);
    const isHole = range.region === space.topology.unassigned;
    const length = isHole ? 1 : Math.min(source.length - done, range.end - address - done);
    if (range.block === null) result |= MemTxResult.DecodeError;
    else storeRam(range, address + done, source.subarray(done, done + length));
    done += length;
  }
  space.result = result;
  return result;
}

function storeRam(range: FlatRange, address: number, source: Uint8Array): void {
  const offset = address + range.delta;
  range.block!.bytes.set(source, offset);
  if (range.dirtyLogMask !== 0) range.region.dirty.mark(offset, source.length);
}

function isRefused(range: FlatRange, attributes: number): boolean {
  return (attributes & MemTxAttributes.Memory) !== 0 && range.region.kind !== 'ram' && range.region.kind !== 'rom';
}

function partLength(range: FlatRange, address: number, left: number, direct: boolean, attributes: number): number {
  if (direct) return Math.min(left, range.end - address);
  return isRefused(range, attributes) ? left : range.region.ops.accessSize(left, address + range.delta);
}

/** Up to 4 bytes of one range; how it ended is left in `topology.accessResult`. */
function readPart(
  topology: MemoryTopology,
  range: FlatRange,
  address: number,
  length: number,
  attributes: number,
): number {
  const offset = address + range.delta;
  if (range.directRead) {
    let value = 0;
    for (let byte = 0; byte < length; byte++) value |= range.block!.bytes[offset + byte]! << (8 * byte);
    topology.accessResult = MemTxResult.Ok;
    return value;
  }
  if (!prepare(topology, range, attributes)) return 0;
  return dispatchRead(range.region, offset, length, attributes);
}

function writePart(
  topology: MemoryTopology,
  range: FlatRange,
  address: number,
  value: number,
  length: number,
  attributes: number,
): void {
  const offset = address + range.delta;
  if (range.directWrite) {
    for (let byte = 0; byte < length; byte++) range.block!.bytes[offset + byte] = value >>> (8 * byte);
    if (range.dirtyLogMask !== 0) range.region.dirty.mark(offset, length);
    topology.accessResult = MemTxResult.Ok;
  } else if (prepare(topology, range, attributes)) {
    dispatchWrite(range.region, value, offset, length, attributes);
  }
}

function readWidePart(
  topology: MemoryTopology,
  range: FlatRange,
  address: number,
  length: number,
  attributes: number,
): bigint {
  if (length <= 4) return BigInt(readPart(topology, range, address, length, attributes) >>> 0);
  const offset = address + range.delta;
  if (!range.directRead)
    return prepare(topology, range, attributes) ? dispatchRead64(range.region, offset, attributes) : 0n;
  const low = BigInt(readPart(topology, range, address, 4, attributes) >>> 0);
  return low | (BigInt(readPart(topology, range, address + 4, length - 4, attributes) >>> 0) << 32n);
}

function writeWidePart(
  topology: MemoryTopology,
  range: FlatRange,
  address: number,
  value: bigint,
  length: number,
  attributes: number,
): void {
  const low = Number(BigInt.asUintN(32, value));
  if (length <= 4) {
    writePart(topology, range, address, low, length, attributes);
  } else if (range.directWrite) {
    writePart(topology, range, address, low, 4, attributes);
    writePart(topology, range, address + 4, Number(BigInt.asUintN(32, value >> 32n)), length - 4, attributes);
  } else if (prepare(topology, range, attributes)) {
    dispatchWrite64(range.region, BigInt.asUintN(64, value), address + range.delta, attributes);
  }
}

/** Delivers queued writes before an access that must find them done. */
function prepare(topology: MemoryTopology, range: FlatRange, attributes: number): boolean {
  if (isRefused(range, attributes)) {
    topology.accessResult = MemTxResult.AccessError;
    return false;
  }
  if (range.region.flushCoalescedIo) topology.coalescedIoFlusher.flushCoalescedIo();
  return true;
}
