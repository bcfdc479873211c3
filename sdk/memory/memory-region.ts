import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import { toAddress, toSize } from './address-range.ts';
import { DirtyLog, type DirtyLogClient, type RamBlock } from './ram-block.ts';
import type { IoGuard, RegionOptions, RegionOwner } from './reentrancy-guard.ts';
import { RegionAttachments } from './region-attachments.ts';
import { checkChild, checkRamSize } from './region-checks.ts';
import { type RegionOps, unassignedPortOps } from './region-ops.ts';
import type { MemoryTopology } from './topology.ts';

export type RegionKind = 'container' | 'io' | 'ram' | 'rom' | 'rom-device' | 'alias' | 'reservation';

/** Bigints are accepted where they fit a number exactly. */
type Bytes = number | bigint;

interface RegionParts extends RegionOptions {
  readonly ops?: RegionOps;
  readonly target?: MemoryRegion;
  readonly offset?: Bytes;
  readonly hasRam?: boolean;
}

/** Shared by all that have no children: most regions. */
const childless: MemoryRegion[] = [];

/**
 * A node of the memory map. Parents hold children at offsets with priorities; what an address leads to follows from the
 * whole tree (README.md of this room). Every change is a transaction of its topology.
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

  private bytes: number;
  private place = 0;
  private rank = 0;
  private parent: MemoryRegion | undefined;
  private on = true;
  private writeProtected = false;
  private persistent = false;
  private romd = true;
  private windowOffset: number;
  private inside: MemoryRegion[] = childless;
  private log: DirtyLog | undefined;

  private constructor(topology: MemoryTopology, kind: RegionKind, name: string, size: Bytes, parts: RegionParts) {
    super(topology, name, parts.ops);
    this.kind = kind;
    this.bytes = toSize(size, `Region '${name}': its size`);
    this.owner = parts.owner;
    this.aliasTarget = parts.target;
    this.windowOffset = toAddress(parts.offset ?? 0, `Region '${name}': its offset in its target`);
    this.terminates = kind !== 'container' && kind !== 'alias';
    this.writeProtected = kind === 'rom';
    if (parts.hasRam === true) checkRamSize(name, this.bytes);
    this.ram = parts.hasRam === true ? topology.allocateRam(this.bytes, name) : undefined;
    this.guard = this.findGuard();
  }

  /** Groups children; where no child answers, whatever lies behind the container shows through. */
  static container(topology: MemoryTopology, name: string, size: Bytes, options: RegionOptions = {}): MemoryRegion {
    return new MemoryRegion(topology, 'container', name, size, options);
  }

  static io(
    topology: MemoryTopology,
    name: string,
    size: Bytes,
    ops: RegionOps,
    options: RegionOptions = {},
  ): MemoryRegion {
    return new MemoryRegion(topology, 'io', name, size, { ...options, ops });
  }

  static ram(topology: MemoryTopology, name: string, size: Bytes, options: RegionOptions = {}): MemoryRegion {
    return new MemoryRegion(topology, 'ram', name, size, { ...options, hasRam: true });
  }

  /** Memory that the guest cannot write; its writes end with a decode error. */
  static rom(topology: MemoryTopology, name: string, size: Bytes, options: RegionOptions = {}): MemoryRegion {
    return new MemoryRegion(topology, 'rom', name, size, { ...options, hasRam: true });
  }

  /** Flash: reads come from bytes while romd mode is on, writes always reach the handlers. */
  static romDevice(
    topology: MemoryTopology,
    name: string,
    size: Bytes,
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
    offset: Bytes,
    size: Bytes,
    options: RegionOptions = {},
  ): MemoryRegion {
    return new MemoryRegion(topology, 'alias', name, size, { ...options, target, offset });
  }

  /** Claims addresses so that nothing behind shows through; every access fails to decode. */
  static reservation(topology: MemoryTopology, name: string, size: Bytes, options: RegionOptions = {}): MemoryRegion {
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
  /** Which pages of the region's RAM changed, per client. @internal */
  get dirty(): DirtyLog {
    this.log ??= new DirtyLog(this);
    return this.log;
  }
  /** The DirtyLogClients that log writes now. @internal */
  get dirtyLogMask(): number {
    return this.ram === undefined ? 0 : this.dirty.mask;
  }

  addSubregion(offset: Bytes, child: MemoryRegion, priority = 0): void {
    const address = toAddress(offset, `Region '${this.name}': the address of '${child.name}'`);
    checkChild(this, child, priority);
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
      this.refuse(
        'not-a-subregion',
        `cannot remove '${child.name}', which is ` +
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
      this.refuse('writable-rom', `a rom stays read-only. Make it a ram region and set it read-only.`);
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
  setAddress(address: Bytes): void {
    const place = toAddress(address, `Region '${this.name}': its address`);
    if (place === this.place) return;
    const parent = this.parent;
    this.topology.transaction(() => {
      parent?.removeSubregion(this);
      this.place = place;
      parent?.addSubregion(place, this, this.rank);
    });
  }

  setSize(size: Bytes): void {
    const bytes = toSize(size, `Region '${this.name}': its size`);
    if (bytes === this.bytes) return;
    if (this.ram !== undefined && bytes > this.ram.bytes.length) {
      this.refuse(
        'ram-too-small',
        `cannot grow to ${hex(bytes)} bytes, its memory has ${hex(this.ram.bytes.length)}. ` +
          'Create it with the largest size it will need.',
      );
    }
    this.change(true, () => {
      this.bytes = bytes;
    });
  }

  setAliasOffset(offset: Bytes): void {
    const windowOffset = toAddress(offset, `Region '${this.name}': its offset in its target`);
    if (this.aliasTarget === undefined) {
      this.refuse('not-an-alias', `only an alias has an offset in a target, and this is ${this.kind}.`);
    }
    if (windowOffset === this.windowOffset) return;
    this.change(this.on, () => {
      this.windowOffset = windowOffset;
    });
  }

  /** Each `true` of a client is undone by one `false`; only the first and the last change anything. @internal */
  setDirtyLog(client: DirtyLogClient, on: boolean): void {
    const before = this.dirtyLogMask;
    this.dirty.count(client, on);
    if (this.dirtyLogMask !== before) this.change(this.on, () => {});
  }

  private refuse(code: string, why: string): never {
    throw new BackplaneError(code, `Region '${this.name}': ${why}`);
  }

  private change(visible: boolean, body: () => void): void {
    this.topology.begin();
    body();
    if (visible) this.topology.structureChanged();
    this.topology.commit();
  }

  /** Memory and read-only regions are not guarded. */
  private findGuard(): IoGuard | null {
    return this.ram !== undefined || this.writeProtected ? null : this.topology.engaged.guardOf(this.owner);
  }

  private insert(child: MemoryRegion): void {
    if (this.inside === childless) this.inside = [];
    const index = this.inside.findIndex((other) => other.rank <= child.rank);
    this.inside.splice(index < 0 ? this.inside.length : index, 0, child);
  }

  protected get region(): MemoryRegion {
    return this;
  }
}

export type { RegionOptions };
