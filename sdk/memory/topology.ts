import { BackplaneError } from '../base/errors.ts';
import type { FlatView } from './flat-view.ts';
import { renderFlatView, viewRootOf } from './flat-view-rendering.ts';
import { ListenerRegistry } from './listener-registry.ts';
import {
  type CoalescedIoFlusher,
  type CoalescedRange,
  type MappedSpace,
  type MemoryListener,
  noCoalescedIo,
} from './memory-listener.ts';
import { MemoryRegion } from './memory-region.ts';
import { type RamBlock, ramAllocator } from './ram-block.ts';
import { EngagedOwners } from './reentrancy-guard.ts';

/** Called for accesses that a region refused; the guest itself reads zeros. */
export interface AccessObserver {
  accessRefused?(region: MemoryRegion, offset: number, size: number, isWrite: boolean): void;
  /** The region's owner was inside one of its handlers. */
  reentryRefused?(region: MemoryRegion, offset: number, size: number, isWrite: boolean): void;
}

/** Sees transfers of devices that have succeeded. A replay puts what was recorded into what a device has read. */
export interface DmaObserver {
  read(address: number, target: Uint8Array): void;
  wrote(address: number, source: Uint8Array): void;
}

/**
 * The memory side of one machine: its address spaces, their listeners, and the transactions that change them. A change
 * outside a transaction is one of its own. Inside, changes wait for the outermost commit, which renders each space once and
 * notifies once.
 */
export class MemoryTopology {
  /** Delivers writes that wait in a ring; an accelerator with coalesced I/O sets it. */
  coalescedIoFlusher: CoalescedIoFlusher = noCoalescedIo;
  /** Where RAM comes from. An accelerator replaces it before the first RAM region exists. */
  allocateRam: (size: number, name: string) => RamBlock = ramAllocator();
  /** @internal */
  observer: AccessObserver = {};
  /** Set while a run is recorded or replayed. @internal */
  dmaObserver: DmaObserver | undefined;
  /** Signals an ioeventfd from a write that reaches userspace; unset where the kernel does it. @internal */
  signalIoeventfd: ((fd: number) => void) | undefined;
  /** The owners whose handlers are on the stack now. @internal */
  readonly engaged = new EngagedOwners();
  /** How the last dispatched access ended; read at once by its caller. @internal */
  accessResult = 0;
  /** @internal */
  readonly addressSpaces: readonly MappedSpace[];
  /** What answers where nothing is mapped. @internal */
  readonly unassigned: MemoryRegion;

  private readonly spaces: MappedSpace[] = [];
  private readonly listeners = new ListenerRegistry(this.spaces);
  private depth = 0;
  private committing = false;
  private structurePending = false;
  private ioeventfdsPending = false;
  private loggingEverything = false;

  constructor() {
    this.addressSpaces = this.spaces;
    this.unassigned = MemoryRegion.reservation(this, 'unassigned', 2 ** 64);
  }

  /** How many device handlers are on the stack now. @internal */
  get handlerDepth(): number {
    return this.engaged.depth;
  }

  get inTransaction(): boolean {
    return this.depth > 0;
  }

  /** @internal */
  get globalDirtyLog(): boolean {
    return this.loggingEverything;
  }

  /** Delivers queued writes, so that they still find the old map, and holds back rendering until the commit. */
  begin(): void {
    this.coalescedIoFlusher.flushCoalescedIo();
    this.depth++;
  }

  commit(): void {
    if (this.depth === 0)
      throw new BackplaneError(
        'commit-without-begin',
        'Memory: commit without begin. Use transaction(body), which pairs them.',
      );
    if (--this.depth > 0 || this.committing) return;
    this.committing = true;
    try {
      // A listener may change the map in turn: that is the next round, not a nested one.
      while (this.structurePending || this.ioeventfdsPending) this.applyChanges();
    } finally {
      this.committing = false;
    }
  }

  /** Runs the body between begin and commit; what it did is committed even if it throws. */
  transaction<T>(body: () => T): T {
    this.begin();
    try {
      return body();
    } finally {
      this.commit();
    }
  }

  /** Adds a listener, and first announces to it what is there: regions, coalesced ranges and ioeventfds. @internal */
  addListener(listener: MemoryListener, space?: MappedSpace): void {
    this.listeners.add(listener, space, this.loggingEverything);
  }

  /** Announces the removal of each region to the listener, and removes it. @internal */
  removeListener(listener: MemoryListener): void {
    this.listeners.remove(listener);
  }

  /** Logs every write to RAM for the migration client. @internal */
  globalDirtyLogStart(): void {
    if (this.loggingEverything) return;
    this.loggingEverything = true;
    this.listeners.forward((listener) => listener.logGlobalStart?.());
    this.renderAgain();
  }

  /** @internal */
  globalDirtyLogStop(): void {
    if (!this.loggingEverything) return;
    this.loggingEverything = false;
    this.renderAgain();
    this.listeners.reverse((listener) => listener.logGlobalStop?.());
  }

  /** Asks every listener what the guest stored in the region since it was last asked. @internal */
  syncDirtyLog(region: MemoryRegion): void {
    this.listeners.syncDirtyLog(region);
  }

  /** From a region: its place in the map, or what it shows, changed. @internal */
  structureChanged(): void {
    this.structurePending = true;
  }

  /** From a region: only its ioeventfds changed. @internal */
  ioeventfdsChanged(): void {
    this.ioeventfdsPending = true;
  }

  /** From a region: its access flags changed; the tables are filled anew. @internal */
  accessFlagsChanged(): void {
    for (const space of this.spaces) space.forget();
  }

  /** From a region: at once and outside any transaction, over the views as they are. @internal */
  announceCoalescedRange(region: MemoryRegion, range: CoalescedRange, added: boolean): void {
    this.listeners.announceCoalescedRange(region, range, added);
  }

  /** From a new address space. @internal */
  attach(space: MappedSpace): FlatView {
    this.spaces.push(space);
    return renderFlatView(viewRootOf(space.root));
  }

  /** @internal */
  announceSpace(space: MappedSpace): void {
    this.listeners.spaceAdded(space);
  }

  /** @internal */
  detach(space: MappedSpace): void {
    this.listeners.spaceRemoved(space);
    this.spaces.splice(this.spaces.indexOf(space), 1);
  }

  private renderAgain(): void {
    this.transaction(() => this.structureChanged());
  }

  private applyChanges(): void {
    const structure = this.structurePending;
    this.structurePending = false;
    this.ioeventfdsPending = false;
    if (!structure) {
      for (const space of this.spaces) this.listeners.updateIoeventfds(space);
      return;
    }
    const views = new Map<MemoryRegion | null, FlatView>();
    for (const space of this.spaces) {
      const root = viewRootOf(space.root);
      if (!views.has(root)) views.set(root, renderFlatView(root));
    }
    this.listeners.forward((listener) => listener.begin?.());
    for (const space of this.spaces) {
      this.listeners.updateView(space, views.get(viewRootOf(space.root))!);
      this.listeners.updateIoeventfds(space);
    }
    this.listeners.forward((listener) => listener.commit?.());
  }
}

/**
 * Adds a listener to all spaces of a topology, or to one, as QEMU's `memory_listener_register` does: what is there is announced first.
 * The answer takes it away again, and announces each removal.
 */
export function registerMemoryListener(
  topology: MemoryTopology,
  listener: MemoryListener,
  space?: MappedSpace,
): () => void {
  topology.addListener(listener, space);
  return () => topology.removeListener(listener);
}
