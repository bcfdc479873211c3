import { BackplaneError } from '../base/errors.ts';
import { emptyFlatView, type FlatRange, type FlatView } from './flat-view.ts';
import {
  type CoalescedRange,
  clipCoalescedRange,
  compareIoeventfds,
  type ListenedSection,
  type MappedSpace,
  type MemoryListener,
  type PlacedIoeventfd,
} from './memory-listener.ts';
import type { MemoryRegion } from './memory-region.ts';

interface Registration {
  readonly listener: MemoryListener;
  /** undefined: all spaces, also those that come later. */
  readonly space: MappedSpace | undefined;
}

/** The listeners, in order of their calls: forward is by rising priority, ties as registered. */
export class ListenerRegistry {
  private readonly spaces: readonly MappedSpace[];
  private registrations: readonly Registration[] = [];

  constructor(spaces: readonly MappedSpace[]) {
    this.spaces = spaces;
  }

  add(listener: MemoryListener, space: MappedSpace | undefined, globalLog: boolean): void {
    if (this.registrations.some((known) => known.listener === listener)) {
      throw new BackplaneError(
        'listener-registered-twice',
        `Memory: listener '${listener.name}' is registered already. Register it once.`,
      );
    }
    const after = this.registrations.findIndex((known) => known.listener.priority > listener.priority);
    const rest = [...this.registrations];
    rest.splice(after < 0 ? rest.length : after, 0, { listener, space });
    this.registrations = rest;
    listener.begin?.();
    if (globalLog) listener.logGlobalStart?.();
    for (const shown of space === undefined ? this.spaces : [space]) this.replay(listener, shown);
    listener.commit?.();
  }

  remove(listener: MemoryListener): void {
    const registration = this.registrations.find((known) => known.listener === listener);
    if (registration === undefined) return;
    listener.begin?.();
    for (const shown of registration.space === undefined ? this.spaces : [registration.space]) {
      this.retract(listener, shown);
    }
    listener.commit?.();
    this.registrations = this.registrations.filter((known) => known !== registration);
  }

  forward(notify: (listener: MemoryListener) => void): void {
    for (const { listener } of this.registrations) notify(listener);
  }

  reverse(notify: (listener: MemoryListener) => void): void {
    for (const { listener } of [...this.registrations].reverse()) notify(listener);
  }

  /** Two passes over both views in address order: everything that goes has gone before anything comes. */
  updateView(space: MappedSpace, next: FlatView): void {
    const old = space.flatView;
    if (old === next) return;
    const listeners = this.of(space);
    if (listeners.length > 0) {
      compare(space, listeners, old, next, false);
      compare(space, listeners, old, next, true);
    }
    space.show(next);
  }

  updateIoeventfds(space: MappedSpace): void {
    const old = space.ioeventfds;
    const next = effectiveIoeventfds(space.flatView);
    const listeners = this.of(space);
    const backwards = [...listeners].reverse();
    const added: PlacedIoeventfd[] = [];
    let gone = 0;
    let come = 0;
    while (gone < old.length || come < next.length) {
      const before = old[gone];
      const after = next[come];
      const order = before === undefined ? 1 : after === undefined ? -1 : compareIoeventfds(before, after);
      if (order <= 0) gone++;
      if (order >= 0) come++;
      // Removed in forward, added in reverse order: the opposite of everything else, as in QEMU.
      if (order < 0) for (const listener of listeners) listener.eventfdDel?.(sectionOfEventfd(space, before!), before!);
      if (order > 0) added.push(after!);
    }
    // QEMU goes through both lists at once. An eventfd that replaces another of a larger number is then added before that one
    // is removed, and the kernel refuses it.
    for (const one of added) for (const listener of backwards) listener.eventfdAdd?.(sectionOfEventfd(space, one), one);
    space.showIoeventfds(next);
  }

  announceCoalescedRange(region: MemoryRegion, range: CoalescedRange, added: boolean): void {
    for (const space of this.spaces) {
      const listeners = this.of(space);
      if (listeners.length === 0) continue;
      for (const flat of space.flatView.ranges) {
        if (flat.region === region) announce(listeners, sectionOf(space, flat), range, added);
      }
    }
  }

  syncDirtyLog(region: MemoryRegion): void {
    for (const space of this.spaces) {
      const listeners = this.of(space).filter((listener) => listener.logSync !== undefined);
      if (listeners.length === 0) continue;
      for (const flat of space.flatView.ranges) {
        if (flat.region !== region || flat.dirtyLogMask === 0) continue;
        const section = sectionOf(space, flat);
        for (const listener of listeners) listener.logSync!(section);
      }
    }
  }

  spaceAdded(space: MappedSpace): void {
    for (const { listener, space: only } of this.registrations) {
      if (only !== undefined) continue;
      listener.begin?.();
      this.replay(listener, space);
      listener.commit?.();
    }
  }

  spaceRemoved(space: MappedSpace): void {
    const listeners = this.of(space);
    for (const listener of [...listeners].reverse()) {
      listener.begin?.();
      this.retract(listener, space);
      listener.commit?.();
    }
    this.registrations = this.registrations.filter((known) => known.space !== space);
    space.show(emptyFlatView);
    space.showIoeventfds([]);
  }

  private of(space: MappedSpace): MemoryListener[] {
    return this.registrations
      .filter((known) => known.space === undefined || known.space === space)
      .map((known) => known.listener);
  }

  // QEMU 8.1 replays regions only and relies on its listeners being registered before any device exists. An accelerator
  // that is attached to a finished machine would then miss its coalesced ranges and ioeventfds.
  private replay(listener: MemoryListener, space: MappedSpace): void {
    for (const flat of space.flatView.ranges) {
      const section = sectionOf(space, flat);
      listener.regionAdd?.(section);
      if (flat.dirtyLogMask !== 0) listener.logStart?.(section, 0, flat.dirtyLogMask);
      for (const range of flat.region.coalescedRanges) announce([listener], section, range, true);
    }
    for (const eventfd of space.ioeventfds) listener.eventfdAdd?.(sectionOfEventfd(space, eventfd), eventfd);
  }

  private retract(listener: MemoryListener, space: MappedSpace): void {
    for (const eventfd of space.ioeventfds) listener.eventfdDel?.(sectionOfEventfd(space, eventfd), eventfd);
    for (const flat of space.flatView.ranges) {
      const section = sectionOf(space, flat);
      for (const range of flat.region.coalescedRanges) announce([listener], section, range, false);
      if (flat.dirtyLogMask !== 0) listener.logStop?.(section, flat.dirtyLogMask, 0);
      listener.regionDel?.(section);
    }
  }
}

type Listeners = readonly MemoryListener[];

/** Both views in address order: calls for what goes, or else for what stays and what comes. */
function compare(space: MappedSpace, listeners: Listeners, old: FlatView, next: FlatView, adding: boolean): void {
  let before = 0;
  let after = 0;
  while (before < old.ranges.length || after < next.ranges.length) {
    const was = old.ranges[before];
    const is = next.ranges[after];
    if (was !== undefined && is !== undefined && was.equals(is)) {
      before++;
      after++;
      if (adding) keepRange(space, listeners, was, is);
    } else if (was !== undefined && (is === undefined || was.start <= is.start)) {
      before++;
      if (!adding) removeRange(space, listeners, was);
    } else {
      after++;
      if (adding) addRange(space, listeners, is!);
    }
  }
}

function removeRange(space: MappedSpace, listeners: Listeners, range: FlatRange): void {
  const section = sectionOf(space, range);
  for (const coalesced of range.region.coalescedRanges) announce(listeners, section, coalesced, false);
  for (let at = listeners.length - 1; at >= 0; at--) listeners[at]!.regionDel?.(section);
}

function addRange(space: MappedSpace, listeners: Listeners, range: FlatRange): void {
  const section = sectionOf(space, range);
  for (const listener of listeners) listener.regionAdd?.(section);
  for (const coalesced of range.region.coalescedRanges) announce(listeners, section, coalesced, true);
}

function keepRange(space: MappedSpace, listeners: Listeners, was: FlatRange, is: FlatRange): void {
  const started = (is.dirtyLogMask & ~was.dirtyLogMask) !== 0;
  const stopped = (was.dirtyLogMask & ~is.dirtyLogMask) !== 0;
  if (!started && !stopped && listeners.every((listener) => listener.regionNop === undefined)) return;
  const section = sectionOf(space, is);
  for (const listener of listeners) listener.regionNop?.(section);
  if (started) for (const listener of listeners) listener.logStart?.(section, was.dirtyLogMask, is.dirtyLogMask);
  if (!stopped) return;
  for (const listener of [...listeners].reverse()) listener.logStop?.(section, was.dirtyLogMask, is.dirtyLogMask);
}

/** Adds in forward, removes in reverse order. */
function announce(listeners: Listeners, section: ListenedSection, range: CoalescedRange, added: boolean): void {
  const shown = clipCoalescedRange(section, range);
  if (shown === undefined) return;
  if (added) for (const listener of listeners) listener.coalescedIoAdd?.(section, shown.start, shown.size);
  else for (const listener of [...listeners].reverse()) listener.coalescedIoDel?.(section, shown.start, shown.size);
}

export function sectionOf(space: MappedSpace, range: FlatRange): ListenedSection {
  const { region, start, size, offsetInRegion, readOnly, nonvolatile, romdMode, dirtyLogMask } = range;
  return { space, region, start, size, offsetInRegion, readOnly, nonvolatile, romdMode, dirtyLogMask };
}

function sectionOfEventfd(space: MappedSpace, { region, address, size }: PlacedIoeventfd): ListenedSection {
  const { readOnly, nonvolatile, romdMode, dirtyLogMask } = region;
  const at = space.flatView.ranges[space.flatView.indexOf(address)];
  const offsetInRegion = at?.region === region ? address + at.delta : 0;
  return { space, region, start: address, size, offsetInRegion, readOnly, nonvolatile, romdMode, dirtyLogMask };
}

/** Every ioeventfd of a region that shows, shifted into the space; not clipped, as long as it touches the range. */
export function effectiveIoeventfds(view: FlatView): PlacedIoeventfd[] {
  const found: PlacedIoeventfd[] = [];
  for (const { region, start, end, delta } of view.ranges) {
    for (const { address: offset, size, match, fd } of region.ioeventfds) {
      const address = offset - delta;
      if (address < end && (address >= start || address + size > start))
        found.push({ region, address, size, match, fd });
    }
  }
  return found.sort(compareIoeventfds);
}
