/** The owner of a region: the device whose registers it has. */
export interface RegionOwner {
  readonly id: string;
  readonly description?: string;
  /** Off for the few devices that legitimately reach themselves (an APIC that sends itself a message). */
  readonly reentrancyGuard?: boolean;
}

export interface RegionOptions {
  readonly owner?: RegionOwner | undefined;
}

/** The guard of owners that may be entered again, and of regions without an owner. */
export const Unguarded = 1;

/**
 * The owners that are inside one of their handlers now. A handler must not be entered again by its own DMA or through another
 * device, in none of the owner's regions. QEMU calls this the reentrancy guard.
 *
 * Nearly each access is the outermost one, and sets one number. For the others there are flags in one array.
 */
export class EngagedOwners {
  /** The guard of the owner whose handler is the outermost; 0: no handler runs. */
  running = 0;
  /** Handlers that run inside the outermost one. */
  private nested = 0;
  /** One flag per guarded owner: one of its handlers is among the nested ones. */
  private flags = new Uint8Array(64);
  private readonly guards = new WeakMap<RegionOwner, IoGuard>();
  private count = Unguarded + 1;

  /** How many handlers are on the stack now. */
  get depth(): number {
    return this.running === 0 ? 0 : this.nested + 1;
  }

  /** Marks the owner as inside a handler, and `leave` must follow; false if it is inside one already. */
  enter(guard: number): boolean {
    if (this.running === 0) {
      this.running = guard;
      return true;
    }
    if (this.isInside(guard)) return false;
    this.flags[guard] = 1;
    this.nested++;
    return true;
  }

  leave(guard: number): void {
    if (this.nested === 0) {
      this.running = 0;
      return;
    }
    this.nested--;
    this.flags[guard] = 0;
  }

  isInside(guard: number): boolean {
    return guard !== Unguarded && (this.running === guard || this.flags[guard] !== 0);
  }

  /** The one guard of an owner; null if it has none. */
  guardOf(owner: RegionOwner | undefined): IoGuard | null {
    if (owner === undefined || owner.reentrancyGuard === false) return null;
    let guard = this.guards.get(owner);
    if (guard === undefined) {
      guard = new IoGuard(this, this.count++);
      this.guards.set(owner, guard);
      if (this.count > this.flags.length) this.grow();
    }
    return guard;
  }

  private grow(): void {
    const flags = new Uint8Array(this.flags.length * 2);
    flags.set(this.flags);
    this.flags = flags;
  }
}

export class IoGuard {
  /** Where its flag is; above Unguarded. */
  readonly index: number;
  /** Accesses refused because the owner was inside one of its handlers. */
  refused = 0;
  private readonly owners: EngagedOwners;

  /** @internal */
  constructor(owners: EngagedOwners, index: number) {
    this.owners = owners;
    this.index = index;
  }

  get engagedInIo(): boolean {
    return this.owners.isInside(this.index);
  }
}
