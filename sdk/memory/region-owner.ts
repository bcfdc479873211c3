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
 * Set while a handler of its owner runs, across all of the owner's regions. It is an object of its own, not a field of
 * the device, so that every access finds it in the same place whatever class the device is.
 */
export class IoGuard {
  engagedInIo = false;
  /** Accesses refused because the owner was inside one of its handlers. */
  refused = 0;
}

const guards = new WeakMap<RegionOwner, IoGuard>();

/** The one guard of an owner; null if it has none. */
export function guardOf(owner: RegionOwner | undefined): IoGuard | null {
  if (owner === undefined || owner.reentrancyGuard === false) return null;
  let guard = guards.get(owner);
  if (guard === undefined) {
    guard = new IoGuard();
    guards.set(owner, guard);
  }
  return guard;
}
