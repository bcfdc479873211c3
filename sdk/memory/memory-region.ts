import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import { toAddress, toSize } from './address-range.ts';
import { DirtyLog, type DirtyLogClient, type RamBlock } from './ram-block.ts';
import type { IoGuard, RegionOptions, RegionOwner } from './reentrancy-guard.ts';
import type { SealedRegionOps } from './region-access.ts';
import { RegionAttachments } from './region-attachments.ts';
import { checkChild, checkRamSize } from './region-checks.ts';
import { type RegionOps, unassignedPortOps } from './region-ops.ts';
import type { MemoryTopology } from './topology.ts';

export type RegionKind = 'container' | 'io' | 'ram' | 'rom' | 'rom-device' | 'alias' | 'reservation';

interface RegionParts extends RegionOptions {
  readonly ops?: RegionOps;
  readonly target?: MemoryRegion;
  readonly offset?: number | bigint;
  readonly hasRam?: boolean;
}

/** What the methods of a region change; for all others it is read-only. */
type Place = 'size' | 'address' | 'priority' | 'container';
type Changed = Partial<Pick<MemoryRegion, Place | 'enabled' | 'readOnly' | 'nonvolatile' | 'romdMode' | 'aliasOffset'>>;

/** Shared by all that have no children: most regions. */
const childless: MemoryRegion[] = [];

/**
 * A node of the memory map. Parents hold children at offsets with priorities; what an address leads to follows from the
 * whole tree (README.md of this room). Every change is a transaction of its topology. Sizes, addresses and offsets are bytes;
 * bigints are accepted where they fit a number exactly.
 */
export class MemoryRegion extends RegionAttachments {
  /** For a field with `@state`. */
  static readonly whyNoState =
    'holds a memory region: its bytes are saved with the machine. Leave @state out, and map it anew in onStateLoaded()';
  readonly kind: RegionKind;
  readonly owner: RegionOwner | undefined;
  readonly aliasTarget: MemoryRegion | undefined;
  /** The bytes behind a ram, rom or rom-device region. */
  readonly ram: RamBlock | undefined;
  /** Whether the region itself answers somewhere; containers and aliases only lead on. */
  readonly terminates: boolean;
  /** Refuses a second entry into the owner; null for memory and for regions without an owner. @internal */
  guard: IoGuard | null;

  readonly size: number;
  /** Relative to the container. */
  readonly address: number = 0;
  readonly priority: number = 0;
  readonly container: MemoryRegion | undefined;
  readonly enabled: boolean = true;
  readonly readOnly: boolean;
  readonly nonvolatile: boolean = false;
  readonly romdMode: boolean = true;
  readonly aliasOffset: number;
  private inside: MemoryRegion[] = childless;
  private log: DirtyLog | undefined;

  private constructor(
    topology: MemoryTopology,
    kind: RegionKind,
    name: string,
    size: number | bigint,
    parts: RegionParts,
  ) {
    super(topology, name, parts.ops);
    this.kind = kind;
    this.size = toSize(size, `Region '${name}': its size`);
    this.owner = parts.owner;
    this.aliasTarget = parts.target;
    this.aliasOffset = toAddress(parts.offset ?? 0, `Region '${name}': its offset in its target`);
    this.terminates = kind !== 'container' && kind !== 'alias';
    this.readOnly = kind === 'rom';
    if (parts.hasRam === true) checkRamSize(name, this.size);
    this.ram = parts.hasRam === true ? topology.allocateRam(this.size, name) : undefined;
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

  /** Registers: `ops` answers accesses. */
  static io(
    topology: MemoryTopology,
    name: string,
    size: number | bigint,
    ops: SealedRegionOps,
    options: RegionOptions = {},
  ): MemoryRegion {
    return new MemoryRegion(topology, 'io', name, size, { ...options, ops: ops as RegionOps });
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
    ops: SealedRegionOps,
    options: RegionOptions = {},
  ): MemoryRegion {
    return new MemoryRegion(topology, 'rom-device', name, size, { ...options, ops: ops as RegionOps, hasRam: true });
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

  /** In the order in which they claim addresses: highest priority first, newest first among equals. */
  get children(): readonly MemoryRegion[] {
    return this.inside;
  }
  /** Which pages of the region's RAM changed, per client. @internal */
  get dirty(): DirtyLog {
    this.log ??= new DirtyLog(this);
    return this.log;
  }
  /** The DirtyLogClients that log writes now. @internal */
  get dirtyLogMask(): number {
    return this.ram === undefined ? 0 : this.dirty.mask;
  }

  addSubregion(offset: number | bigint, child: MemoryRegion, priority = 0): void {
    const address = toAddress(offset, `Region '${this.name}': the address of '${child.name}'`);
    checkChild(this, child, priority);
    this.topology.begin();
    child.set({ container: this, address, priority });
    this.insert(child);
    if (this.enabled && child.enabled) this.topology.structureChanged();
    this.topology.commit();
  }

  removeSubregion(child: MemoryRegion): void {
    if (child.container !== this) {
      this.refuse(
        'not-a-subregion',
        `cannot remove '${child.name}', which is ` +
          `${child.container === undefined ? 'in no container' : `in '${child.container.name}'`}. Remove it from there.`,
      );
    }
    this.topology.begin();
    this.inside.splice(this.inside.indexOf(child), 1);
    child.set({ container: undefined });
    if (this.enabled && child.enabled) this.topology.structureChanged();
    this.topology.commit();
  }

  setEnabled(enabled: boolean): void {
    if (enabled !== this.enabled) this.change(true, { enabled });
  }

  setReadOnly(readOnly: boolean): void {
    if (readOnly === this.readOnly) return;
    if (this.kind === 'rom' && !readOnly) {
      this.refuse('writable-rom', `a rom stays read-only. Make it a ram region and set it read-only.`);
    }
    this.change(this.enabled, { readOnly });
  }

  setNonvolatile(nonvolatile: boolean): void {
    if (nonvolatile !== this.nonvolatile) this.change(this.enabled, { nonvolatile });
  }

  setRomdMode(romdMode: boolean): void {
    if (romdMode !== this.romdMode) this.change(this.enabled, { romdMode });
  }

  /** Moves the region; among siblings of its priority it becomes the newest. */
  setAddress(place: number | bigint): void {
    const address = toAddress(place, `Region '${this.name}': its address`);
    if (address === this.address) return;
    const { container, priority } = this;
    this.topology.transaction(() => {
      container?.removeSubregion(this);
      this.set({ address });
      container?.addSubregion(address, this, priority);
    });
  }

  setSize(bytes: number | bigint): void {
    const size = toSize(bytes, `Region '${this.name}': its size`);
    if (size === this.size) return;
    if (this.ram !== undefined && size > this.ram.bytes.length) {
      const why = `cannot grow to ${hex(size)} bytes, its memory has ${hex(this.ram.bytes.length)}.`;
      this.refuse('ram-too-small', `${why} Create it with the largest size it will need.`);
    }
    this.change(true, { size });
  }

  setAliasOffset(offset: number | bigint): void {
    const aliasOffset = toAddress(offset, `Region '${this.name}': its offset in its target`);
    if (this.aliasTarget === undefined) {
      this.refuse(
        'not-an-alias',
        `only an alias has an offset in a target, and this is ${this.kind}. Use setAddress() to move it.`,
      );
    }
    if (aliasOffset !== this.aliasOffset) this.change(this.enabled, { aliasOffset });
  }

  /** Each `true` of a client is undone by one `false`; only the first and the last change anything. @internal */
  setDirtyLog(client: DirtyLogClient, on: boolean): void {
    const before = this.dirtyLogMask;
    this.dirty.count(client, on);
    if (this.dirtyLogMask !== before) this.change(this.enabled, {});
  }

  private refuse(code: string, why: string): never {
    throw new BackplaneError(code, `Region '${this.name}': ${why}`);
  }

  /** Queued writes are delivered before the change. */
  private change(visible: boolean, changed: Changed): void {
    this.topology.begin();
    this.set(changed);
    this.guard = this.findGuard();
    if (visible) this.topology.structureChanged();
    this.topology.commit();
  }

  private set(changed: Changed): void {
    Object.assign(this, changed);
  }

  /** Memory and read-only regions are not guarded. */
  private findGuard(): IoGuard | null {
    return this.ram !== undefined || this.readOnly ? null : this.topology.engaged.guardOf(this.owner);
  }

  private insert(child: MemoryRegion): void {
    if (this.inside === childless) this.inside = [];
    const index = this.inside.findIndex((other) => other.priority <= child.priority);
    this.inside.splice(index < 0 ? this.inside.length : index, 0, child);
  }

  protected get region(): MemoryRegion {
    return this;
  }
}
