import { MemTxAttributes, MemTxResult } from './access-attributes.ts';
import { hex } from './address-range.ts';
import { DispatchTable } from './dispatch-table.ts';
import { BackplaneError } from './errors.ts';
import { FlatRange, type FlatView } from './flat-view.ts';
import type { PlacedIoeventfd } from './ioeventfd.ts';
import { effectiveIoeventfds } from './listener-registry.ts';
import type { MemorySection } from './memory-listener.ts';
import type { MemoryRegion } from './memory-region.ts';
import type { MemoryTopology } from './memory-transaction.ts';
import { Attention } from './region-attachments.ts';
import { masked, refuseReentry } from './region-dispatch.ts';
import { readBytes, readSplit, readSplit64, writeBytes, writeRom, writeSplit, writeSplit64 } from './split-access.ts';

const noPorts = new Uint16Array(0);

/**
 * A root region seen from outside: what a read or a write at an address does. `result` tells how the last access ended.
 *
 * An access that starts in a device's range is that device's whole, even where it runs over the range's end; one that
 * starts in RAM is cut at the end of the RAM and goes on with what follows.
 */
export class AddressSpace {
  readonly topology: MemoryTopology;
  readonly name: string;
  readonly root: MemoryRegion;
  /** How the last access ended: a MemTxResult. */
  result: number = MemTxResult.Ok;

  private view: FlatView;
  private effectiveEventfds: readonly PlacedIoeventfd[];
  // Looked at on every access, hence copied here from the table, which is built when first needed.
  private dense: Uint16Array = noPorts;
  private ranges: readonly FlatRange[] = [];
  private last: FlatRange;
  private table: DispatchTable | null = null;

  constructor(topology: MemoryTopology, name: string, root: MemoryRegion) {
    this.topology = topology;
    this.name = name;
    this.root = root;
    this.last = new FlatRange(topology.unassigned, Infinity, Infinity, 0, false, false);
    this.view = topology.attach(this);
    this.effectiveEventfds = effectiveIoeventfds(this.view);
    topology.announceSpace(this);
  }

  get flatView(): FlatView {
    return this.view;
  }

  /** What is announced to listeners, in addresses of this space. */
  get ioeventfds(): readonly PlacedIoeventfd[] {
    return this.effectiveEventfds;
  }

  /** From the topology: the map changed. */
  show(view: FlatView): void {
    this.view = view;
    this.table = null;
    this.dense = noPorts;
    this.last = new FlatRange(this.topology.unassigned, Infinity, Infinity, 0, false, false);
  }

  showIoeventfds(eventfds: readonly PlacedIoeventfd[]): void {
    this.effectiveEventfds = eventfds;
  }

  lookup(address: number): MemorySection | undefined {
    const range = this.view.ranges[this.view.indexOf(address)];
    if (range === undefined) return undefined;
    const { region, start, size, offsetInRegion, readOnly, nonvolatile, romdMode, dirtyLogMask } = range;
    return { space: this, region, start, size, offsetInRegion, readOnly, nonvolatile, romdMode, dirtyLogMask };
  }

  /** Reads 1, 2 or 4 bytes as an unsigned number, little endian. */
  read(address: number, size: number, attributes: number = MemTxAttributes.Unspecified): number {
    const range = this.rangeAt(address);
    const offset = address + range.delta;
    if (range.directRead) {
      if (address + size <= range.end) {
        this.result = MemTxResult.Ok;
        if (size === 4) return range.block!.view.getUint32(offset, true);
        if (size === 1) return range.block!.bytes[offset]!;
        if (size === 2) return range.block!.view.getUint16(offset, true);
      }
      return this.readWhole(address, size, attributes);
    }
    const region = range.region;
    const reads = region.ops.reads;
    const handler = offset < reads.direct.length ? reads.direct[offset]! : reads.rest;
    if ((handler.fast & size) === 0 || (offset & (size - 1)) !== 0 || (attributes & MemTxAttributes.Memory) !== 0) {
      return this.readWhole(address, size, attributes);
    }
    const topology = this.topology;
    if ((region.attention & Attention.Flush) !== 0) topology.coalescedIoFlusher.flushCoalescedIo();
    const guard = region.guard;
    if (guard !== null) {
      if (guard.engagedInIo) return this.refuse(region, offset, size, false) & 0;
      guard.engagedInIo = true;
    }
    topology.handlerDepth++;
    let value: number;
    try {
      value = handler.call.call(region.ops.device, offset, size, attributes);
    } finally {
      topology.handlerDepth--;
      if (guard !== null) guard.engagedInIo = false;
    }
    this.result = MemTxResult.Ok;
    return masked(value, size);
  }

  /** Writes 1, 2 or 4 bytes, little endian. */
  write(address: number, value: number, size: number, attributes: number = MemTxAttributes.Unspecified): MemTxResult {
    const range = this.rangeAt(address);
    const offset = address + range.delta;
    if (range.directWrite) {
      if (address + size > range.end) return this.writeWhole(address, value, size, attributes);
      if (size === 4) range.block!.view.setUint32(offset, value, true);
      else if (size === 1) range.block!.bytes[offset] = value;
      else if (size === 2) range.block!.view.setUint16(offset, value, true);
      else return this.writeWhole(address, value, size, attributes);
      if (range.dirtyLogMask !== 0) range.region.dirty.mark(offset, size);
      this.result = MemTxResult.Ok;
      return MemTxResult.Ok;
    }
    const region = range.region;
    const writes = region.ops.writes;
    const handler = offset < writes.direct.length ? writes.direct[offset]! : writes.rest;
    if ((handler.fast & size) === 0 || (offset & (size - 1)) !== 0 || (attributes & MemTxAttributes.Memory) !== 0) {
      return this.writeWhole(address, value, size, attributes);
    }
    const topology = this.topology;
    if (region.attention !== 0) {
      if ((region.attention & Attention.Ioeventfd) !== 0) return this.writeWhole(address, value, size, attributes);
      topology.coalescedIoFlusher.flushCoalescedIo();
    }
    const guard = region.guard;
    if (guard !== null) {
      if (guard.engagedInIo) return this.refuse(region, offset, size, true);
      guard.engagedInIo = true;
    }
    topology.handlerDepth++;
    try {
      handler.call.call(region.ops.device, masked(value, size), offset, size, attributes);
    } finally {
      topology.handlerDepth--;
      if (guard !== null) guard.engagedInIo = false;
    }
    this.result = MemTxResult.Ok;
    return MemTxResult.Ok;
  }

  /** Reads 8 bytes, little endian. */
  read64(address: number, attributes: number = MemTxAttributes.Unspecified): bigint {
    const range = this.rangeAt(address);
    if (range.directRead && address + 8 <= range.end) {
      this.result = MemTxResult.Ok;
      return range.block!.view.getBigUint64(address + range.delta, true);
    }
    return readSplit64(this, address, attributes);
  }

  /** Writes 8 bytes, little endian. */
  write64(address: number, value: bigint, attributes: number = MemTxAttributes.Unspecified): MemTxResult {
    return writeSplit64(this, address, BigInt.asUintN(64, value), attributes);
  }

  /** Reads as many bytes as `target` holds, in the widest parts that each region allows. */
  readBytes(address: number, target: Uint8Array, attributes: number = MemTxAttributes.Unspecified): MemTxResult {
    return readBytes(this, address, target, attributes);
  }

  writeBytes(address: number, source: Uint8Array, attributes: number = MemTxAttributes.Unspecified): MemTxResult {
    return writeBytes(this, address, source, attributes);
  }

  /** Stores into RAM, ROM and flash alike, as a loader does; what is neither is left alone and reported. */
  writeRom(address: number, source: Uint8Array): MemTxResult {
    return writeRom(this, address, source);
  }

  /** Empties the space for its listeners and takes it out of the topology. */
  dispose(): void {
    this.topology.detach(this);
  }

  /** Who answers at an address. For the access path; others want `lookup`. */
  rangeAt(address: number): FlatRange {
    if (address < this.dense.length) return this.ranges[this.dense[address]!]!;
    const last = this.last;
    if (address >= last.start && address < last.end) return last;
    return this.find(address);
  }

  private find(address: number): FlatRange {
    if (this.table === null) {
      this.table = new DispatchTable(this.view, this.topology.unassigned);
      this.ranges = this.table.ranges;
      this.dense = this.table.dense;
    }
    this.last = this.table.find(address);
    return this.last;
  }

  private readWhole(address: number, size: number, attributes: number): number {
    this.checkWidth(address, size);
    return readSplit(this, address, size, attributes);
  }

  private writeWhole(address: number, value: number, size: number, attributes: number): number {
    this.checkWidth(address, size);
    return writeSplit(this, address, value, size, attributes);
  }

  private refuse(region: MemoryRegion, offset: number, size: number, isWrite: boolean): number {
    refuseReentry(region, offset, size, isWrite);
    this.result = MemTxResult.AccessError;
    return this.result;
  }

  private checkWidth(address: number, size: number): void {
    if (size === 1 || size === 2 || size === 3 || size === 4) return;
    throw new BackplaneError(
      `Address space '${this.name}': an access at ${hex(address)} is ${size} bytes wide. ` +
        'Use 1, 2 or 4 here, read64 and write64 for 8, readBytes and writeBytes for more.',
    );
  }
}
