/** Whose registers a region shows. Devices implement it. */
export interface RegionOwner {
  readonly id: string;
  readonly description?: string;
  /** Off for the few devices that legitimately reach themselves (an APIC that sends itself a message). */
  readonly reentrancyGuard?: boolean;
}

export interface RegionOptions {
  readonly owner?: RegionOwner | undefined;
}

/** Stands for all owners that may be entered again, and for regions without one. */
export const Unguarded = 1;

/**
 * Which owners are inside one of their handlers now. A handler must not be entered again by its own DMA or through
 * another device, whichever of the owner's regions the way leads to.
 *
 * Nearly every access is the outermost one, and leaves only one number behind. The others find flags side by side in one
 * array, in the same way whatever class the device is.
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

  /** Unless the owner is inside a handler already, it is now, and `leave` must follow. */
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

  constructor(owners: EngagedOwners, index: number) {
    this.owners = owners;
    this.index = index;
  }

  get engagedInIo(): boolean {
    return this.owners.isInside(this.index);
  }
}
