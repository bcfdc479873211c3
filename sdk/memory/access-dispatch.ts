import { masked, swapBytes } from '../base/bits.ts';
import { MemTxResult } from './access-attributes.ts';
import type { MemoryRegion } from './memory-region.ts';
import { Unguarded } from './reentrancy-guard.ts';
import { type RegionOps, swapBytes64 } from './region-ops.ts';
import type { MemoryTopology } from './topology.ts';

// How one access that a region accepts becomes calls of its handlers. The plain case (accepted, implemented as it is,
// little endian, aligned) never comes here: AddressSpace calls the handler itself.
//
// A handler implements the widths [min, max]. A wider access is split into pieces of max, from the lowest offset on. A
// narrower one becomes one access of min at the same offset, not rounded down; a write has zeros in its upper bytes. Each
// piece is made even if an earlier one fails. QEMU calls this access_with_adjusted_size().

/** Reads 1, 2 or 4 bytes; how it ended is left in `topology.accessResult`. */
export function dispatchRead(region: MemoryRegion, offset: number, size: number, attributes: number): number {
  const { topology, ops } = region;
  if (!mayEnter(region, offset, size, false, attributes)) return 0;
  try {
    const step = pieceSize(ops, size);
    let value = 0;
    let result = MemTxResult.Ok as number;
    for (let at = 0; at < size; at += step) {
      const lane = ops.bigEndian ? size - step - at : at;
      if (step === 8) {
        const wide = readPiece64(topology, ops, offset + at, attributes) >> BigInt(-8 * lane);
        value |= Number(BigInt.asUintN(32, wide));
      } else value |= shifted(readPiece(topology, ops, offset + at, step, attributes), lane);
      result |= topology.accessResult;
    }
    topology.accessResult = result;
    return ops.bigEndian ? swapBytes(value, size) : masked(value, size);
  } finally {
    leave(region);
  }
}

/** Writes 1, 2 or 4 bytes; the result is also left in `topology.accessResult`. */
export function dispatchWrite(
  region: MemoryRegion,
  value: number,
  offset: number,
  size: number,
  attributes: number,
): number {
  const { topology, ops } = region;
  if (!mayEnter(region, offset, size, true, attributes)) return topology.accessResult;
  try {
    if (region.ioeventfds.length > 0 && signals(region, offset, size, () => BigInt(masked(value, size))))
      return MemTxResult.Ok;
    const data = ops.bigEndian ? swapBytes(value, size) : masked(value, size);
    const step = pieceSize(ops, size);
    let result = MemTxResult.Ok as number;
    for (let at = 0; at < size; at += step) {
      const lane = ops.bigEndian ? size - step - at : at;
      if (step === 8) {
        writePiece64(topology, ops, BigInt(data) << BigInt(-8 * lane), offset + at, attributes);
      } else writePiece(topology, ops, masked(shifted(data, -lane), step), offset + at, step, attributes);
      result |= topology.accessResult;
    }
    topology.accessResult = result;
    return result;
  } finally {
    leave(region);
  }
}

/** Reads 8 bytes. Handlers without a 64-bit form are asked twice for 4. */
export function dispatchRead64(region: MemoryRegion, offset: number, attributes: number): bigint {
  const { topology, ops } = region;
  if (!mayEnter(region, offset, 8, false, attributes)) return 0n;
  try {
    const step = pieceSize(ops, 8);
    let value = 0n;
    let result = MemTxResult.Ok as number;
    for (let at = 0; at < 8; at += step) {
      const lane = BigInt(8 * (ops.bigEndian ? 8 - step - at : at));
      const piece =
        step === 8
          ? readPiece64(topology, ops, offset, attributes)
          : BigInt(readPiece(topology, ops, offset + at, step, attributes));
      result |= topology.accessResult;
      value |= piece << lane;
    }
    topology.accessResult = result;
    return ops.bigEndian ? swapBytes64(value, 8) : value;
  } finally {
    leave(region);
  }
}

export function dispatchWrite64(region: MemoryRegion, value: bigint, offset: number, attributes: number): number {
  const { topology, ops } = region;
  if (!mayEnter(region, offset, 8, true, attributes)) return topology.accessResult;
  try {
    if (region.ioeventfds.length > 0 && signals(region, offset, 8, () => value)) return MemTxResult.Ok;
    const data = ops.bigEndian ? swapBytes64(value, 8) : value;
    const step = pieceSize(ops, 8);
    let result = MemTxResult.Ok as number;
    for (let at = 0; at < 8; at += step) {
      if (step === 8) writePiece64(topology, ops, data, offset, attributes);
      else {
        const lane = BigInt(8 * (ops.bigEndian ? 8 - step - at : at));
        const piece = Number(BigInt.asUintN(8 * step, data >> lane));
        writePiece(topology, ops, piece, offset + at, step, attributes);
      }
      result |= topology.accessResult;
    }
    topology.accessResult = result;
    return result;
  } finally {
    leave(region);
  }
}

function pieceSize(ops: RegionOps, size: number): number {
  return Math.max(Math.min(size, ops.implementedMax), ops.implementedMin);
}

/** Accepted, and its device not busy: then the device is engaged, and `leave` must follow. */
function mayEnter(region: MemoryRegion, offset: number, size: number, isWrite: boolean, attributes: number): boolean {
  const { topology, guard } = region;
  if (region.ops.refuses(offset, size, isWrite, attributes)) {
    topology.accessResult = MemTxResult.DecodeError;
    if (region !== topology.unassigned) topology.observer.accessRefused?.(region, offset, size, isWrite);
    return false;
  }
  if (topology.engaged.enter(guard?.index ?? Unguarded)) return true;
  refuseReentry(region, offset, size, isWrite);
  return false;
}

function leave(region: MemoryRegion): void {
  region.topology.engaged.leave(region.guard?.index ?? Unguarded);
}

/** A device that reaches its own registers, by DMA or through another device, gets zeros and an access error. */
export function refuseReentry(region: MemoryRegion, offset: number, size: number, isWrite: boolean): void {
  region.guard!.refused++;
  region.topology.accessResult = MemTxResult.AccessError;
  region.topology.observer.reentryRefused?.(region, offset, size, isWrite);
}

/** One handler call for 1, 2 or 4 bytes. */
function readPiece(topology: MemoryTopology, ops: RegionOps, offset: number, size: number, attributes: number): number {
  const handler = ops.reads.find(offset, size);
  if (!handler.hasNumberForm) {
    const wide = BigInt.asUintN(8 * size, handler.fn64!.call(ops.device, offset, size));
    topology.accessResult = MemTxResult.Ok; // after the call, which may have made accesses of its own
    return Number(wide);
  }
  const value = handler.fn.call(ops.device, offset, size, attributes);
  const { watch } = handler;
  // Only where one handler has the whole region do the tables keep a copy of what it may do.
  if (watch !== null && handler.show(watch, ops.device, value, offset) && ops.reads.direct.length === 0)
    topology.accessFlagsChanged();
  const failed = handler.withAttributes && value < 0;
  topology.accessResult = failed ? -value : MemTxResult.Ok;
  return failed ? 0 : masked(value, size);
}

function writePiece(
  topology: MemoryTopology,
  ops: RegionOps,
  value: number,
  offset: number,
  size: number,
  attributes: number,
): void {
  const handler = ops.writes.find(offset, size);
  let result: unknown = MemTxResult.Ok;
  if (handler.hasNumberForm) result = handler.fn.call(ops.device, value, offset, size, attributes);
  else handler.fn64!.call(ops.device, BigInt(value), offset, size);
  topology.accessResult = handler.withAttributes && typeof result === 'number' ? result : MemTxResult.Ok;
}

function readPiece64(topology: MemoryTopology, ops: RegionOps, offset: number, attributes: number): bigint {
  const handler = ops.reads.find(offset, 8);
  if (handler.fn64 !== null) {
    const value = BigInt.asUintN(64, handler.fn64.call(ops.device, offset, 8));
    topology.accessResult = MemTxResult.Ok;
    return value;
  }
  const first = BigInt(readPiece(topology, ops, offset, 4, attributes));
  const result = topology.accessResult;
  const second = BigInt(readPiece(topology, ops, offset + 4, 4, attributes));
  topology.accessResult |= result;
  return ops.bigEndian ? (first << 32n) | second : (second << 32n) | first;
}

function writePiece64(
  topology: MemoryTopology,
  ops: RegionOps,
  value: bigint,
  offset: number,
  attributes: number,
): void {
  const handler = ops.writes.find(offset, 8);
  if (handler.fn64 !== null) {
    handler.fn64.call(ops.device, BigInt.asUintN(64, value), offset, 8);
    topology.accessResult = MemTxResult.Ok;
    return;
  }
  const low = Number(BigInt.asUintN(32, value));
  const high = Number(BigInt.asUintN(32, value >> 32n));
  writePiece(topology, ops, ops.bigEndian ? high : low, offset, 4, attributes);
  const result = topology.accessResult;
  writePiece(topology, ops, ops.bigEndian ? low : high, offset + 4, 4, attributes);
  topology.accessResult |= result;
}

/** Only where no kernel does it: the first ioeventfd that fits takes the write. */
function signals(region: MemoryRegion, offset: number, size: number, value: () => bigint): boolean {
  const signal = region.topology.signalIoeventfd;
  if (signal === undefined) return false;
  const hit = region.ioeventfds.find(
    (known) =>
      known.address === offset &&
      (known.size === 0 || (known.size === size && (known.match === undefined || known.match === value()))),
  );
  if (hit === undefined) return false;
  signal(hit.fd);
  region.topology.accessResult = MemTxResult.Ok;
  return true;
}

/** Shifts by whole bytes, left or (negative) right; what leaves 32 bits is gone. */
function shifted(value: number, bytes: number): number {
  if (bytes >= 4 || bytes <= -4) return 0;
  return bytes >= 0 ? value << (8 * bytes) : value >>> (-8 * bytes);
}
