import { hex, toAddress, toSize, WholeSpace } from './address-range.ts';
import { type CoalescedRange, checkCoalescedRange } from './coalesced-io.ts';
import { DirtyLog, type DirtyLogClient } from './dirty-log.ts';
import { BackplaneError } from './errors.ts';
import { compareIoeventfds, type Ioeventfd, type IoeventfdSpec } from './ioeventfd.ts';
import type { MemoryTopology } from './memory-transaction.ts';
import { checkRamSize, type RamBlock } from './ram-block.ts';
import { type RegionOps, unassignedMemoryOps, unassignedPortOps } from './region-ops.ts';
import { guardOf, type IoGuard, type RegionOwner } from './region-owner.ts';

export type RegionKind = 'container' | 'io' | 'ram' | 'rom' | 'rom-device' | 'alias' | 'reservation';

export interface RegionOptions {
  readonly owner?: RegionOwner | undefined;
}

interface RegionParts extends RegionOptions {
  readonly ops?: RegionOps;
  readonly target?: MemoryRegion;
  readonly offset?: number | bigint;
  readonly hasRam?: boolean;
}

/** Why an access must look twice before its handler is called. Bits of `attention`. */
export const Attention = { Flush: 1, Ioeventfd: 2 } as const;

/**
 * A node of the memory map. Parents hold children at offsets with priorities; what an address leads to follows from the
 * whole tree (README.md of this room). Every change is a transaction of its topology.
 */
export class MemoryRegion {
  readonly topology: MemoryTopology;
  readonly kind: RegionKind;
  readonly name: string;
  readonly owner: RegionOwner | undefined;
  readonly ops: RegionOps;
  readonly aliasTarget: MemoryRegion | undefined;
  /** The bytes behind a ram, rom or rom-device region. */
  readonly ram: RamBlock | undefined;
  /** Which pages of the region's RAM changed, per client. */
  readonly dirty: DirtyLog;
  /** Whether the region itself answers somewhere; containers and aliases only lead on. */
  readonly terminates: boolean;
  /** Read on every access: why the plain path must not be taken, and who must not be entered twice. */
  attention = 0;
  guard: IoGuard | null;

  private bytes: number;
  private place = 0;
  private rank = 0;
  private parent: MemoryRegion | undefined;
  private on = true;
  private writeProtected = false;
  private persistent = false;
  private romd = true;
  private windowOffset: number;
  private readonly inside: MemoryRegion[] = [];
  private readonly coalesced: CoalescedRange[] = [];
  private readonly eventfds: Ioeventfd[] = [];

  private constructor(
    topology: MemoryTopology,
    kind: RegionKind,
    name: string,
    size: number | bigint,
    parts: RegionParts,
  ) {
    this.topology = topology;
    this.kind = kind;
    this.name = name;
    this.bytes = toSize(size, `Region '${name}': its size`);
    this.owner = parts.owner;
    this.ops = parts.ops ?? unassignedMemoryOps;
    this.aliasTarget = parts.target;
    this.windowOffset = toAddress(parts.offset ?? 0, `Region '${name}': its offset in its target`);
    this.terminates = kind !== 'container' && kind !== 'alias';
    this.writeProtected = kind === 'rom';
    if (parts.hasRam === true) checkRamSize(name, this.bytes);
    this.ram = parts.hasRam === true ? topology.allocateRam(this.bytes, name) : undefined;
    this.dirty = new DirtyLog(this);
    this.guard = this.findGuard();
  }

  /** Groups children; where no child answers, whatever lies behind the container shows through. */
  static container(
    topology: MemoryTopology,
    name: string,
    size: number | bigint,
    options: RegionOptions = {},
  ): MemoryRegion {
    return new MemoryRegion(topology, 'container', name, size, options);
  }

  static io(
    topology: MemoryTopology,
    name: string,
    size: number | bigint,
    ops: RegionOps,
    options: RegionOptions = {},
  ): MemoryRegion {
    return new MemoryRegion(topology, 'io', name, size, { ...options, ops });
  }

  static ram(topology: MemoryTopology, name: string, size: number | bigint, options: RegionOptions = {}): MemoryRegion {
    return new MemoryRegion(topology, 'ram', name, size, { ...options, hasRam: true });
  }

  /** Memory that the guest cannot write; its writes end with a decode error. */
  static rom(topology: MemoryTopology, name: string, size: number | bigint, options: RegionOptions = {}): MemoryRegion {
    return new MemoryRegion(topology, 'rom', name, size, { ...options, hasRam: true });
  }

  /** Flash: reads come from bytes while romd mode is on, writes always reach the handlers. */
  static romDevice(
    topology: MemoryTopology,
    name: string,
    size: number | bigint,
    ops: RegionOps,
    options: RegionOptions = {},
  ): MemoryRegion {
    return new MemoryRegion(topology, 'rom-device', name, size, { ...options, ops, hasRam: true });
  }

  /** A window onto another region, from `offset` in it. */
  static alias(
    topology: MemoryTopology,
    name: string,
    target: MemoryRegion,
    offset: number | bigint,
    size: number | bigint,
    options: RegionOptions = {},
  ): MemoryRegion {
    return new MemoryRegion(topology, 'alias', name, size, { ...options, target, offset });
  }

  /** Claims addresses so that nothing behind shows through; every access fails to decode. */
  static reservation(
    topology: MemoryTopology,
    name: string,
    size: number | bigint,
    options: RegionOptions = {},
  ): MemoryRegion {
    return new MemoryRegion(topology, 'reservation', name, size, options);
  }

  /** The root of a port space: 64 Ki ports that read all ones until devices are mapped over them. */
  static unassignedPorts(topology: MemoryTopology, name: string): MemoryRegion {
    return new MemoryRegion(topology, 'io', name, 0x1_0000, { ops: unassignedPortOps });
  }

  get size(): number {
    return this.bytes;
  }
  /** Relative to the container. */
  get address(): number {
    return this.place;
  }
  get priority(): number {
    return this.rank;
  }
  get container(): MemoryRegion | undefined {
    return this.parent;
  }
  get enabled(): boolean {
    return this.on;
  }
  get readOnly(): boolean {
    return this.writeProtected;
  }
  get nonvolatile(): boolean {
    return this.persistent;
  }
  get romdMode(): boolean {
    return this.romd;
  }
  get aliasOffset(): number {
    return this.windowOffset;
  }
  /** In the order in which they claim addresses: highest priority first, newest first among equals. */
  get children(): readonly MemoryRegion[] {
    return this.inside;
  }
  get coalescedRanges(): readonly CoalescedRange[] {
    return this.coalesced;
  }
  get ioeventfds(): readonly Ioeventfd[] {
    return this.eventfds;
  }
  /** Whether queued writes are delivered before an access reaches this region. */
  get flushCoalescedIo(): boolean {
    return (this.attention & Attention.Flush) !== 0;
  }
  /** Which DirtyLogClients want to know about writes now. */
  get dirtyLogMask(): number {
    return this.dirty.mask;
  }

  addSubregion(offset: number | bigint, child: MemoryRegion, priority = 0): void {
    const address = toAddress(offset, `Region '${this.name}': the address of '${child.name}'`);
    this.checkChild(child, priority);
    this.topology.begin();
    child.parent = this;
    child.place = address;
    child.rank = priority;
    this.insert(child);
    if (this.on && child.on) this.topology.structureChanged();
    this.topology.commit();
  }

  removeSubregion(child: MemoryRegion): void {
    if (child.parent !== this) {
      throw new BackplaneError(
        `Region '${this.name}': cannot remove '${child.name}', which is ` +
          `${child.parent === undefined ? 'in no container' : `in '${child.parent.name}'`}. Remove it from there.`,
      );
    }
    this.topology.begin();
    this.inside.splice(this.inside.indexOf(child), 1);
    child.parent = undefined;
    if (this.on && child.on) this.topology.structureChanged();
    this.topology.commit();
  }

  setEnabled(enabled: boolean): void {
    if (enabled === this.on) return;
    this.change(true, () => {
      this.on = enabled;
    });
  }

  setReadOnly(readOnly: boolean): void {
    if (readOnly === this.writeProtected) return;
    if (this.kind === 'rom' && !readOnly) {
      throw new BackplaneError(
        `Region '${this.name}': a rom stays read-only. Make it a ram region and set it read-only.`,
      );
    }
    this.change(this.on, () => {
      this.writeProtected = readOnly;
      this.guard = this.findGuard();
    });
  }

  setNonvolatile(nonvolatile: boolean): void {
    if (nonvolatile === this.persistent) return;
    this.change(this.on, () => {
      this.persistent = nonvolatile;
    });
  }

  setRomdMode(romdMode: boolean): void {
    if (romdMode === this.romd) return;
    this.change(this.on, () => {
      this.romd = romdMode;
    });
  }

  /** Moves the region; among siblings of its priority it becomes the newest. */
  setAddress(address: number | bigint): void {
    const place = toAddress(address, `Region '${this.name}': its address`);
    if (place === this.place) return;
    const parent = this.parent;
    if (parent === undefined) {
      this.place = place;
      return;
    }
    this.topology.transaction(() => {
      parent.removeSubregion(this);
      parent.addSubregion(place, this, this.rank);
    });
  }

  setSize(size: number | bigint): void {
    const bytes = toSize(size, `Region '${this.name}': its size`);
    if (bytes === this.bytes) return;
    if (this.ram !== undefined && bytes > this.ram.bytes.length) {
      throw new BackplaneError(
        `Region '${this.name}': cannot grow to ${hex(bytes)} bytes, its memory has ${hex(this.ram.bytes.length)}. ` +
          'Create it with the largest size it will need.',
      );
    }
    this.change(true, () => {
      this.bytes = bytes;
    });
  }

  setAliasOffset(offset: number | bigint): void {
    const windowOffset = toAddress(offset, `Region '${this.name}': its offset in its target`);
    if (this.aliasTarget === undefined) {
      throw new BackplaneError(
        `Region '${this.name}': only an alias has an offset in a target, and this is ${this.kind}.`,
      );
    }
    if (windowOffset === this.windowOffset) return;
    this.change(this.on, () => {
      this.windowOffset = windowOffset;
    });
  }

  /** Each `true` of a client is undone by one `false`; only the first and the last change anything. */
  setDirtyLog(client: DirtyLogClient, on: boolean): void {
    const before = this.dirtyLogMask;
    this.dirty.count(client, on);
    if (this.dirtyLogMask !== before) this.change(this.on, () => {});
  }

  /** Lets writes to these bytes wait in a ring. Queued writes are then delivered before any access to the region. */
  addCoalescedIo(range: CoalescedRange): void {
    checkCoalescedRange(this, range);
    const kept = { offset: range.offset, size: range.size };
    this.coalesced.push(kept);
    this.topology.announceCoalescedRange(this, kept, true);
    this.attention |= Attention.Flush;
  }

  /** Forgets all ranges, and with them the flush flag, even one that was set explicitly. */
  clearCoalescedIo(): void {
    if (this.coalesced.length === 0) return;
    this.topology.coalescedIoFlusher.flushCoalescedIo();
    this.attention &= ~Attention.Flush;
    for (let range = this.coalesced.shift(); range !== undefined; range = this.coalesced.shift()) {
      this.topology.announceCoalescedRange(this, range, false);
    }
  }

  setFlushCoalescedIo(): void {
    this.attention |= Attention.Flush;
  }

  /** Delivers what waits; the flag stays while the region has ranges of its own. */
  clearFlushCoalescedIo(): void {
    this.topology.coalescedIoFlusher.flushCoalescedIo();
    if (this.coalesced.length === 0) this.attention &= ~Attention.Flush;
  }

  addIoeventfd(spec: IoeventfdSpec): void {
    const eventfd = this.placeEventfd(spec);
    const index = this.eventfds.findIndex((known) => compareIoeventfds(known, eventfd) >= 0);
    if (index >= 0 && compareIoeventfds(this.eventfds[index]!, eventfd) === 0) {
      throw new BackplaneError(
        `Region '${this.name}': the ioeventfd at offset ${hex(spec.offset)} with descriptor ${spec.fd} is there already. Add it once.`,
      );
    }
    this.changeEventfds(() => this.eventfds.splice(index < 0 ? this.eventfds.length : index, 0, eventfd));
  }

  removeIoeventfd(spec: IoeventfdSpec): void {
    const eventfd = this.placeEventfd(spec);
    const index = this.eventfds.findIndex((known) => compareIoeventfds(known, eventfd) === 0);
    if (index < 0) {
      throw new BackplaneError(
        `Region '${this.name}': no ioeventfd at offset ${hex(spec.offset)} with descriptor ${spec.fd}. Name it exactly as it was added.`,
      );
    }
    this.changeEventfds(() => this.eventfds.splice(index, 1));
  }

  private changeEventfds(body: () => void): void {
    this.topology.begin();
    body();
    this.attention =
      this.eventfds.length > 0 ? this.attention | Attention.Ioeventfd : this.attention & ~Attention.Ioeventfd;
    if (this.on) this.topology.ioeventfdsChanged();
    this.topology.commit();
  }

  private placeEventfd({ offset, size, match, fd }: IoeventfdSpec): Ioeventfd {
    if (this.aliasTarget !== undefined || this.kind === 'container') {
      throw new BackplaneError(
        `Region '${this.name}': a ${this.kind} takes no writes itself. Add the ioeventfd to the region that does.`,
      );
    }
    return {
      address: toAddress(offset, `Region '${this.name}': its ioeventfd`),
      size,
      match: this.ops.wireValue(match, size),
      fd,
    };
  }

  private change(visible: boolean, body: () => void): void {
    this.topology.begin();
    body();
    if (visible) this.topology.structureChanged();
    this.topology.commit();
  }

  /** Memory and read-only regions are not guarded. */
  private findGuard(): IoGuard | null {
    return this.ram !== undefined || this.writeProtected ? null : guardOf(this.owner);
  }

  private insert(child: MemoryRegion): void {
    const index = this.inside.findIndex((other) => other.rank <= child.rank);
    this.inside.splice(index < 0 ? this.inside.length : index, 0, child);
  }

  private checkChild(child: MemoryRegion, priority: number): void {
    const refuse = (why: string) => {
      throw new BackplaneError(`Region '${this.name}': cannot hold '${child.name}': ${why}`);
    };
    if (child.topology !== this.topology) refuse('it belongs to another machine. Create it with the same topology.');
    if (this.aliasTarget !== undefined)
      refuse(`an alias has no children. Add it to the target '${this.aliasTarget.name}'.`);
    if (child.parent !== undefined)
      refuse(`it is in '${child.parent.name}' already. Remove it there first, or use an alias.`);
    if (!Number.isInteger(priority)) refuse(`its priority is ${priority}. Give a whole number.`);
    for (let above: MemoryRegion | undefined = this; above !== undefined; above = above.parent) {
      if (above === child) refuse('it contains this region. A region cannot lie inside itself.');
    }
  }
}

/** The size of a container for a whole address space. */
export const EntireSpace = WholeSpace;
