import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import { describeRange, toAddress } from './address-range.ts';
import { type CoalescedRange, compareIoeventfds, type Ioeventfd, type IoeventfdSpec } from './memory-listener.ts';
import type { MemoryRegion } from './memory-region.ts';
import { type RegionOps, unassignedMemoryOps } from './region-ops.ts';
import type { MemoryTopology } from './topology.ts';

/** What an access to the region has to do before its handler is called: bits of `accessFlags`. */
export const AccessFlags = { Flush: 1, Ioeventfd: 2 } as const;

const none: readonly never[] = Object.freeze([]);

/** What a region has besides its place in the map: coalesced ranges and ioeventfds. */
export abstract class RegionAttachments {
  readonly topology: MemoryTopology;
  readonly name: string;
  /** @internal */
  readonly ops: RegionOps;
  private flags = 0;

  private coalesced: readonly CoalescedRange[] = none;
  private eventfds: readonly Ioeventfd[] = none;

  /** @internal */
  constructor(topology: MemoryTopology, name: string, ops: RegionOps | undefined) {
    this.topology = topology;
    this.name = name;
    this.ops = ops ?? unassignedMemoryOps;
  }

  /** Bits of AccessFlags, of which the dispatch tables have copies. */
  get accessFlags(): number {
    return this.flags;
  }

  get coalescedRanges(): readonly CoalescedRange[] {
    return this.coalesced;
  }

  /** @internal */
  get ioeventfds(): readonly Ioeventfd[] {
    return this.eventfds;
  }

  /** Whether queued writes are delivered before an access reaches this region. */
  get flushCoalescedIo(): boolean {
    return (this.flags & AccessFlags.Flush) !== 0;
  }

  /** Lets writes to these bytes wait in a ring. Queued writes are then delivered before any access to the region. */
  addCoalescedIo(range: CoalescedRange): void {
    checkCoalescedRange(this.region, range);
    const kept = { offset: range.offset, size: range.size };
    this.coalesced = [...this.coalesced, kept];
    this.topology.announceCoalescedRange(this.region, kept, true);
    this.setFlag(AccessFlags.Flush, true);
  }

  /** Forgets all ranges, and with them the flush flag, even one that was set explicitly. */
  clearCoalescedIo(): void {
    if (this.coalesced.length === 0) return;
    this.topology.coalescedIoFlusher.flushCoalescedIo();
    this.setFlag(AccessFlags.Flush, false);
    for (let first = this.coalesced[0]; first !== undefined; first = this.coalesced[0]) {
      this.coalesced = this.coalesced.slice(1);
      this.topology.announceCoalescedRange(this.region, first, false);
    }
  }

  /** The same in the place of the ranges that it overlaps. */
  replaceCoalescedIo(range: CoalescedRange): void {
    const meets = ({ offset, size }: CoalescedRange) =>
      offset < range.offset + range.size && range.offset < offset + size;
    const kept = this.coalesced.filter((other) => !meets(other));
    this.clearCoalescedIo();
    for (const other of [...kept, range]) this.addCoalescedIo(other);
  }

  setFlushCoalescedIo(): void {
    this.setFlag(AccessFlags.Flush, true);
  }

  /** Delivers queued writes; the flag stays while the region has ranges of its own. */
  clearFlushCoalescedIo(): void {
    this.topology.coalescedIoFlusher.flushCoalescedIo();
    if (this.coalesced.length === 0) this.setFlag(AccessFlags.Flush, false);
  }

  addIoeventfd(spec: IoeventfdSpec): void {
    const eventfd = this.placeEventfd(spec);
    const index = this.eventfds.findIndex((known) => compareIoeventfds(known, eventfd) === 0);
    if (index >= 0) this.refuseEventfd('ioeventfd-twice', spec, 'is there already. Add it once.');
    this.changeEventfds([...this.eventfds, eventfd].sort(compareIoeventfds));
  }

  removeIoeventfd(spec: IoeventfdSpec): void {
    const eventfd = this.placeEventfd(spec);
    const rest = this.eventfds.filter((known) => compareIoeventfds(known, eventfd) !== 0);
    if (rest.length === this.eventfds.length)
      this.refuseEventfd('unknown-ioeventfd', spec, 'does not exist. Name it exactly as it was added.');
    this.changeEventfds(rest);
  }

  /** This object. */
  protected abstract get region(): MemoryRegion;

  private setFlag(bit: number, on: boolean): void {
    const flags = on ? this.flags | bit : this.flags & ~bit;
    if (flags === this.flags) return;
    this.flags = flags;
    this.topology.accessFlagsChanged();
  }

  private changeEventfds(eventfds: readonly Ioeventfd[]): void {
    this.topology.begin();
    this.eventfds = eventfds;
    this.setFlag(AccessFlags.Ioeventfd, eventfds.length > 0);
    if (this.region.enabled) this.topology.ioeventfdsChanged();
    this.topology.commit();
  }

  private placeEventfd(spec: IoeventfdSpec): Ioeventfd {
    const address = toAddress(spec.offset, `Region '${this.name}': the offset of its ioeventfd`);
    if (![0, 1, 2, 4, 8].includes(spec.size))
      this.refuseEventfd('invalid-access-width', spec, `has size ${spec.size}. Use 1, 2, 4 or 8, or 0 for any width.`);
    if (spec.size === 0 && spec.match !== undefined)
      this.refuseEventfd('ioeventfd-match-without-size', spec, 'matches a value of any width. Give it a size.');
    if (!this.region.terminates)
      this.refuseEventfd(
        'no-handlers',
        spec,
        `would never be written: a ${this.region.kind} takes no writes itself. Add it to the region that does.`,
      );
    return { address, size: spec.size, match: this.ops.wireValue(spec.match, spec.size), fd: spec.fd };
  }

  private refuseEventfd(code: string, spec: IoeventfdSpec, why: string): never {
    throw new BackplaneError(
      code,
      `Region '${this.name}': the ioeventfd with descriptor ${spec.fd} at offset ${hex(spec.offset)} ${why}`,
    );
  }
}

/** Refuses a range whose writes could never be queued. */
function checkCoalescedRange(region: MemoryRegion, range: CoalescedRange): void {
  const { offset, size } = range;
  const what = `Region '${region.name}': cannot coalesce ${describeRange(offset, size)}`;
  if (region.kind !== 'io' && region.kind !== 'rom-device') {
    const hint = region.kind === 'alias' ? 'its target' : 'the region that has the handlers';
    throw new BackplaneError(
      'no-handlers',
      `${what}: a region of kind ${region.kind} has no handlers. Declare the range on ${hint}.`,
    );
  }
  if (!Number.isInteger(offset) || !Number.isInteger(size) || size <= 0) {
    throw new BackplaneError('empty-range', `${what}: the range is ${size} bytes long. Give it a size of at least 1.`);
  }
  if (offset < 0 || offset + size > region.size) {
    throw new BackplaneError(
      'range-outside-region',
      `${what}: the region covers only ${describeRange(0, region.size)}. Keep the range inside the region.`,
    );
  }
  const twice = region.coalescedRanges.find(
    (known) => offset < known.offset + known.size && known.offset < offset + size,
  );
  if (twice !== undefined) {
    throw new BackplaneError(
      'coalesced-twice',
      `${what}: ${describeRange(twice.offset, twice.size)} is coalesced already. Declare every byte once.`,
    );
  }
}
