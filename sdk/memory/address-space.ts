import { masked } from '../base/bits.ts';
import { MemTxAttributes, MemTxResult } from './access-attributes.ts';
import { refuseReentry } from './access-dispatch.ts';
import { DispatchTable, Target } from './dispatch-table.ts';
import type { FlatView } from './flat-view.ts';
import { effectiveIoeventfds, sectionOf } from './listener-registry.ts';
import type { MappedSpace, MemorySection, PlacedIoeventfd } from './memory-listener.ts';
import type { MemoryRegion } from './memory-region.ts';
import { peekAt } from './peek.ts';
import { FlushBit, isPortView, noPorts, OffsetShift, PortTable, unknownPort, WriteShift } from './port-table.ts';
import type { EngagedOwners } from './reentrancy-guard.ts';
import { AccessFlags } from './region-attachments.ts';
import { checkWidth, refuseAccess } from './region-checks.ts';
import { readBytes, readSplit, readSplit64, writeBytes, writeRom, writeSplit, writeSplit64 } from './split-access.ts';
import type { MemoryTopology } from './topology.ts';

// Copies in this file, which V8 knows as constants.
const memoryOnly: number = MemTxAttributes.Memory;
const flush: number = AccessFlags.Flush;
const flushPort: number = FlushBit;
const writeShift: number = WriteShift;
const offsetShift: number = OffsetShift;

/**
 * A root region seen from outside: what a read or a write at an address does. `result` tells how the last access ended.
 *
 * An access that starts in a device's range goes to that device as a whole, even beyond the end of the range. One that starts
 * in RAM is cut at the end of the RAM and continues in the range behind it.
 */
export class AddressSpace implements MappedSpace {
  // In arrays, so that V8 does not inline them: then it would not inline the fast paths that call them.
  private static readonly longReads = [AddressSpace.prototype.readPortLong];
  private static readonly longWrites = [AddressSpace.prototype.writePortLong];
  declare readonly topology: MemoryTopology;
  readonly name: string;
  readonly root: MemoryRegion;
  /** How the last access ended: a MemTxResult. */
  result: number = MemTxResult.Ok;

  private view: FlatView;
  /** What is announced to listeners, in addresses of this space. @internal */
  ioeventfds: readonly PlacedIoeventfd[];
  // Read by each access, hence copied here.
  declare private readonly owners: EngagedOwners;
  private ports = noPorts;
  declare private last: Target;
  private table: DispatchTable | null = null;
  private readonly portTable = new PortTable();
  private readonly unassigned: Target;

  constructor(topology: MemoryTopology, name: string, root: MemoryRegion) {
    this.topology = topology;
    this.owners = topology.engaged;
    this.name = name;
    this.root = root;
    this.unassigned = new Target(topology.unassigned, null);
    this.last = this.unassigned;
    this.view = topology.attach(this);
    this.ioeventfds = effectiveIoeventfds(this.view);
    topology.announceSpace(this);
  }

  get flatView(): FlatView {
    return this.view;
  }

  /** From the topology: the map changed. @internal */
  show(view: FlatView): void {
    this.view = view;
    this.forget();
  }

  /** @internal */
  showIoeventfds(eventfds: readonly PlacedIoeventfd[]): void {
    this.ioeventfds = eventfds;
  }

  lookup(address: number): MemorySection | undefined {
    const range = this.view.ranges[this.view.indexOf(address)];
    return range && sectionOf(this, range);
  }

  /** What a read of 1 to 4 bytes would answer, or undefined where that is not known: nothing is called that has side effects. */
  peek(address: number, size: number): number | undefined {
    return peekAt(this.view, address, size);
  }

  /** Reads 1, 2 or 4 bytes as an unsigned number, little endian. */
  read(address: number, size: number, attributes: number = MemTxAttributes.Unspecified): number {
    if (address < this.ports.length) return this.readPort(address, size, attributes);
    const last = this.last;
    const target = address >= last.start && address < last.end ? last : this.find(address);
    const offset = address + target.delta;
    if (!target.directRead) return this.readHandler(target, address, offset, size, attributes);
    return this.readRam(target, address, offset, size, attributes);
  }

  /** Writes 1, 2 or 4 bytes, little endian. */
  write(address: number, value: number, size: number, attributes: number = MemTxAttributes.Unspecified): MemTxResult {
    if (address < this.ports.length) return this.writePort(address, value, size, attributes);
    const last = this.last;
    const target = address >= last.start && address < last.end ? last : this.find(address);
    const offset = address + target.delta;
    if (!target.directWrite) return this.writeHandler(target, address, offset, value, size, attributes);
    return this.writeRam(target, address, offset, value, size, attributes);
  }

  /** Reads 8 bytes, little endian. */
  read64(address: number, attributes: number = MemTxAttributes.Unspecified): bigint {
    const target = this.targetAt(address);
    if (target.directRead && address + 8 <= target.end) {
      this.result = MemTxResult.Ok;
      return target.block!.view.getBigUint64(address + target.delta, true);
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
    this.forget();
  }

  /** The target at an address. For the access path; other code uses `lookup`. @internal */
  targetAt(address: number): Target {
    const last = this.last;
    return address >= last.start && address < last.end ? last : this.find(address);
  }

  /** From the topology: something that the tables copied from a region changed. @internal */
  forget(): void {
    this.table = null;
    this.ports = noPorts;
    this.portTable.forget();
    this.last = this.unassigned;
  }

  private find(address: number): Target {
    this.last = this.lookUp().find(address);
    if (this.ports !== noPorts) this.ports = this.portTable.open(address);
    return this.last;
  }

  private lookUp(): DispatchTable {
    if (this.table !== null) return this.table;
    this.table = new DispatchTable(this.view, this.topology.unassigned);
    if (isPortView(this.view)) this.ports = this.portTable.open(0);
    return this.table;
  }

  /** The fast path, for a port that is used often, outside all handlers; not for 3 bytes. V8 inlines it with the handler. */
  private readPort(port: number, size: number, attributes: number): number {
    const entry = this.ports[port] ?? unknownPort;
    const owners = this.owners;
    if ((entry.bits & size) <= (attributes & memoryOnly) || (owners.running | (size & (size - 1))) !== 0) {
      return AddressSpace.longReads[0]!.call(this, port, size, attributes);
    }
    const { bits, device, read, guard } = entry; // before the flush, which may change the map
    if ((bits & flushPort) !== 0) this.topology.coalescedIoFlusher.flushCoalescedIo();
    let value: number;
    owners.running = guard;
    try {
      value = read(device, bits >>> offsetShift, size, attributes);
    } finally {
      owners.running = 0;
    }
    this.result = 0;
    return masked(value, size);
  }

  private writePort(port: number, value: number, size: number, attributes: number): MemTxResult {
    const entry = this.ports[port] ?? unknownPort;
    const owners = this.owners;
    const { bits, device, write, guard } = entry;
    if (((bits >>> writeShift) & size) <= (attributes & memoryOnly) || (owners.running | (size & (size - 1))) !== 0) {
      return AddressSpace.longWrites[0]!.call(this, port, value, size, attributes);
    }
    if ((bits & flushPort) !== 0) this.topology.coalescedIoFlusher.flushCoalescedIo();
    owners.running = guard;
    try {
      write(device, masked(value, size), bits >>> offsetShift, size, attributes);
    } finally {
      owners.running = 0;
    }
    this.result = 0;
    return 0;
  }

  private readPortLong(port: number, size: number, attributes: number): number {
    const target = this.fillEntry(port, size, 0);
    return this.readHandler(target, port, port + target.delta, size, attributes);
  }

  private writePortLong(port: number, value: number, size: number, attributes: number): MemTxResult {
    const target = this.fillEntry(port, size, writeShift);
    return this.writeHandler(target, port, port + target.delta, value, size, attributes);
  }

  /** The target at a port; `shift` is 0 for a read, WriteShift for a write. Negative addresses get here too, and fractions. */
  private fillEntry(port: number, size: number, shift: number): Target {
    return this.portTable.learn(port, size, shift, this.lookUp()) ?? refuseAccess(`Address space '${this.name}'`, port);
  }

  private readRam(target: Target, address: number, offset: number, size: number, attributes: number): number {
    if (address + size > target.end) return this.readWhole(address, size, attributes);
    this.result = 0;
    if (size === 4) return target.block!.view.getUint32(offset, true);
    if (size === 1) return target.block!.bytes[offset]!;
    return size === 2 ? target.block!.view.getUint16(offset, true) : this.readWhole(address, size, attributes);
  }

  private writeRam(target: Target, address: number, offset: number, value: number, size: number, attributes: number) {
    if (address + size > target.end) return this.writeWhole(address, value, size, attributes);
    if (size === 4) target.block!.view.setUint32(offset, value, true);
    else if (size === 1) target.block!.bytes[offset] = value;
    else if (size === 2) target.block!.view.setUint16(offset, value, true);
    else return this.writeWhole(address, value, size, attributes);
    if (target.noteWrites) target.region.dirty.wrote(offset, size);
    this.result = 0;
    return 0;
  }

  private readHandler(target: Target, address: number, offset: number, size: number, attributes: number): number {
    const fn = (target.fastReads & size) !== 0 ? target.readFn : target.reads.fastHandler(offset, size);
    if (fn === null || ((offset | size) & (size - 1)) !== 0 || (attributes & memoryOnly) !== 0) {
      return this.readWhole(address, size, attributes);
    }
    if ((target.accessFlags & flush) !== 0) this.topology.coalescedIoFlusher.flushCoalescedIo();
    if (!this.owners.enter(target.guard)) return this.refuse(target.region, offset, size, false) & 0;
    let value: number;
    try {
      value = fn.call(target.device, offset, size, attributes);
    } finally {
      this.owners.leave(target.guard);
    }
    this.result = 0;
    return masked(value, size);
  }

  private writeHandler(
    target: Target,
    address: number,
    offset: number,
    value: number,
    size: number,
    attributes: number,
  ): MemTxResult {
    const fn = (target.fastWrites & size) !== 0 ? target.writeFn : target.writes.fastHandler(offset, size);
    if (fn === null || ((offset | size) & (size - 1)) !== 0 || (attributes & memoryOnly) !== 0) {
      return this.writeWhole(address, value, size, attributes);
    }
    if (target.accessFlags !== 0) {
      if (target.accessFlags !== flush) return this.writeWhole(address, value, size, attributes);
      this.topology.coalescedIoFlusher.flushCoalescedIo();
    }
    if (!this.owners.enter(target.guard)) return this.refuse(target.region, offset, size, true);
    try {
      fn.call(target.device, masked(value, size), offset, size, attributes);
    } finally {
      this.owners.leave(target.guard);
    }
    this.result = 0;
    return 0;
  }

  private readWhole(address: number, size: number, attributes: number): number {
    checkWidth(this, address, size);
    return readSplit(this, address, size, attributes);
  }

  private writeWhole(address: number, value: number, size: number, attributes: number): number {
    checkWidth(this, address, size);
    return writeSplit(this, address, value, size, attributes);
  }

  private refuse(region: MemoryRegion, offset: number, size: number, isWrite: boolean): number {
    refuseReentry(region, offset, size, isWrite);
    this.result = MemTxResult.AccessError;
    return this.result;
  }
}
