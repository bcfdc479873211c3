import { MemTxAttributes, MemTxResult } from './access-attributes.ts';
import type { Target } from './dispatch-table.ts';
import type { MemoryTopology } from './memory-transaction.ts';
import { dispatchRead, dispatchRead64, dispatchWrite, dispatchWrite64 } from './region-dispatch.ts';

// The general form of an access: any length, over any number of ranges. Each turn asks anew who answers at the next
// byte, since a handler may have changed the map. RAM takes as much as it holds; a device takes what it accepts at that
// offset, even past the end of its range. Results are ORed.

/** What this file needs of an address space. */
export interface TargetFinder {
  readonly topology: MemoryTopology;
  targetAt(address: number): Target;
  result: number;
}

/** 1 to 4 bytes as an unsigned number. */
export function readSplit(space: TargetFinder, address: number, size: number, attributes: number): number {
  let value = 0;
  let result = 0;
  for (let done = 0; done < size; ) {
    const target = space.targetAt(address + done);
    const length = partLength(target, address + done, size - done, target.directRead, attributes);
    value |= readPart(space.topology, target, address + done, length, attributes) << (8 * done);
    result |= space.topology.accessResult;
    done += length;
  }
  space.result = result;
  return value >>> 0;
}

export function writeSplit(
  space: TargetFinder,
  address: number,
  value: number,
  size: number,
  attributes: number,
): number {
  let result = 0;
  for (let done = 0; done < size; ) {
    const target = space.targetAt(address + done);
    const length = partLength(target, address + done, size - done, target.directWrite, attributes);
    writePart(space.topology, target, address + done, value >>> (8 * done), length, attributes);
    result |= space.topology.accessResult;
    done += length;
  }
  space.result = result;
  return result;
}

/** 8 bytes; regions that accept 8 get them as one bigint. */
export function readSplit64(space: TargetFinder, address: number, attributes: number): bigint {
  let value = 0n;
  let result = 0;
  for (let done = 0; done < 8; ) {
    const target = space.targetAt(address + done);
    const length = partLength(target, address + done, 8 - done, target.directRead, attributes);
    value |= readWidePart(space.topology, target, address + done, length, attributes) << BigInt(8 * done);
    result |= space.topology.accessResult;
    done += length;
  }
  space.result = result;
  return value;
}

export function writeSplit64(space: TargetFinder, address: number, value: bigint, attributes: number): number {
  let result = 0;
  for (let done = 0; done < 8; ) {
    const target = space.targetAt(address + done);
    const length = partLength(target, address + done, 8 - done, target.directWrite, attributes);
    writeWidePart(space.topology, target, address + done, value >> BigInt(8 * done), length, attributes);
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
      const value = readWidePart(space.topology, target, at, length, attributes);
      for (let byte = 0; byte < length; byte++) buffer[done + byte] = Number((value >> BigInt(8 * byte)) & 0xffn);
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
      let value = 0n;
      for (let byte = length - 1; byte >= 0; byte--) value = (value << 8n) | BigInt(source[done + byte]!);
      writeWidePart(space.topology, target, at, value, length, attributes);
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
  if (target.dirtyLogMask !== 0) target.region.dirty.mark(offset, source.length);
}

function isRefused(target: Target, attributes: number): boolean {
  return (attributes & MemTxAttributes.Memory) !== 0 && target.region.kind !== 'ram' && target.region.kind !== 'rom';
}

function partLength(target: Target, address: number, left: number, direct: boolean, attributes: number): number {
  if (direct) return Math.min(left, target.end - address);
  return isRefused(target, attributes) ? left : target.region.ops.accessSize(left, address + target.delta);
}

/** Up to 4 bytes of one target; how it ended is left in `topology.accessResult`. */
function readPart(
  topology: MemoryTopology,
  target: Target,
  address: number,
  length: number,
  attributes: number,
): number {
  const offset = address + target.delta;
  if (target.directRead) {
    let value = 0;
    for (let byte = 0; byte < length; byte++) value |= target.block!.bytes[offset + byte]! << (8 * byte);
    topology.accessResult = MemTxResult.Ok;
    return value;
  }
  if (!prepare(topology, target, attributes)) return 0;
  return dispatchRead(target.region, offset, length, attributes);
}

function writePart(
  topology: MemoryTopology,
  target: Target,
  address: number,
  value: number,
  length: number,
  attributes: number,
): void {
  const offset = address + target.delta;
  if (target.directWrite) {
    for (let byte = 0; byte < length; byte++) target.block!.bytes[offset + byte] = value >>> (8 * byte);
    if (target.dirtyLogMask !== 0) target.region.dirty.mark(offset, length);
    topology.accessResult = MemTxResult.Ok;
  } else if (prepare(topology, target, attributes)) {
    dispatchWrite(target.region, value, offset, length, attributes);
  }
}

function readWidePart(
  topology: MemoryTopology,
  target: Target,
  address: number,
  length: number,
  attributes: number,
): bigint {
  if (length <= 4) return BigInt(readPart(topology, target, address, length, attributes) >>> 0);
  const offset = address + target.delta;
  if (!target.directRead)
    return prepare(topology, target, attributes) ? dispatchRead64(target.region, offset, attributes) : 0n;
  const low = BigInt(readPart(topology, target, address, 4, attributes) >>> 0);
  return low | (BigInt(readPart(topology, target, address + 4, length - 4, attributes) >>> 0) << 32n);
}

function writeWidePart(
  topology: MemoryTopology,
  target: Target,
  address: number,
  value: bigint,
  length: number,
  attributes: number,
): void {
  const low = Number(BigInt.asUintN(32, value));
  if (length <= 4) {
    writePart(topology, target, address, low, length, attributes);
  } else if (target.directWrite) {
    writePart(topology, target, address, low, 4, attributes);
    writePart(topology, target, address + 4, Number(BigInt.asUintN(32, value >> 32n)), length - 4, attributes);
  } else if (prepare(topology, target, attributes)) {
    dispatchWrite64(target.region, BigInt.asUintN(64, value), address + target.delta, attributes);
  }
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
