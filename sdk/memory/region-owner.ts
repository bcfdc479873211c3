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

/**
 * Which owners are inside one of their handlers now. A handler must not be entered again by its own DMA or through
 * another device, whichever of the owner's regions the way leads to.
 *
 * The flags lie side by side in one array instead of in the devices, so that an access finds them in the processor's
 * cache even with thousands of devices, and in the same way whatever class the device is.
 */
export class EngagedOwners {
  /** One flag per guarded owner; entry 0 belongs to nobody. */
  flags = new Uint8Array(64);
  private readonly guards = new WeakMap<RegionOwner, IoGuard>();
  private count = 1;

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
  /** Where its flag is; never 0. */
  readonly index: number;
  /** Accesses refused because the owner was inside one of its handlers. */
  refused = 0;
  private readonly owners: EngagedOwners;

  constructor(owners: EngagedOwners, index: number) {
    this.owners = owners;
    this.index = index;
  }

  get engagedInIo(): boolean {
    return this.owners.flags[this.index] !== 0;
  }

  set engagedInIo(engaged: boolean) {
    this.owners.flags[this.index] = engaged ? 1 : 0;
  }
}
