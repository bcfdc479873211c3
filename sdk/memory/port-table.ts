import type { DispatchTable, Target } from './dispatch-table.ts';
import type { FlatView } from './flat-view.ts';
import { type ReadCall, readCallOf, type WriteCall, writeCallOf } from './handler-calls.ts';
import { AccessFlags } from './region-attachments.ts';

const ports = 0x1_0000;
/** The ports of all devices but PCI cards. A space that uses no more has a small table, which is soon made. */
const lowPorts = 0x1000;

// The bits of a port: the widths of reads that call the handler at once (1, 2 and 4 are bits), and those of writes. Then
// whether queued writes are delivered first, and the offset in the region. They are one field: with one field more, random
// accesses to thousands of ports take a third longer.
export const WriteShift = 8;
export const FlushBit = 1 << 15;
export const OffsetShift = 16;

/**
 * The target of one port: all that a plain access needs, in few fields, so that thousands of ports fit into the processor's
 * cache. It is cleared when the map or the region's access flags change.
 */
export class PortEntry {
  bits = 0;
  device: object | null = null;
  read: ReadCall = zero;
  guard = 0;
  write: WriteCall = nothing;
  /** For the slow path; null for a port that was not accessed yet. */
  target: Target | null = null;

  /** From here on this target answers; null clears the entry. */
  show(port: number, target: Target | null): void {
    this.target = target;
    this.device = target?.device ?? null;
    this.guard = target?.guard ?? 0;
    this.bits = target === null ? 0 : (port + target.delta) << OffsetShift;
    if (target !== null && (target.accessFlags & AccessFlags.Flush) !== 0) this.bits |= FlushBit;
  }

  /** Lets accesses of this width call the handler at once, if they may and the handler is used often. */
  learn(size: number, isWrite: boolean): void {
    const { reads, writes, accessFlags } = this.target!;
    const offset = this.bits >>> OffsetShift;
    if ((offset & (size - 1)) !== 0 || (size !== 1 && size !== 2 && size !== 4)) return;
    if (!isWrite) {
      const handler = reads.first(offset);
      const call = (handler.fast & size) === 0 ? null : readCallOf(handler);
      if (call === null) return;
      this.read = call;
      this.bits |= size;
    } else if ((accessFlags & AccessFlags.Ioeventfd) === 0) {
      const handler = writes.first(offset);
      const call = (handler.fast & size) === 0 ? null : writeCallOf(handler);
      if (call === null) return;
      this.write = call;
      this.bits |= size << WriteShift;
    }
  }
}

function zero() {
  return 0;
}
function nothing() {}

/** Takes no fast path: a port that was not accessed since the map changed. */
export const unknownPort = new PortEntry();

/** No entries, in an array of the same element kind to V8 as the others. */
export const noPorts: PortEntry[] = [unknownPort];
noPorts.length = 0;

/** An entry for each port, made by the first access. Each change of the map clears them. */
export class PortTable {
  private entries = noPorts;
  private readonly known: number[] = [];
  private last: Target | null = null;

  /** From the first access on there is room for the low ports, and for all from the first access to another. */
  open(port: number): PortEntry[] {
    const size = port < lowPorts ? lowPorts : ports;
    if (this.entries.length < size) {
      const before = this.entries;
      this.entries = new Array<PortEntry>(size).fill(unknownPort);
      for (let known = 0; known < before.length; known++) this.entries[known] = before[known]!;
    }
    return this.entries;
  }

  /** The target at a port, whose use is counted for the fast path; undefined for what is no port. */
  learn(port: number, size: number, shift: number, table: DispatchTable): Target | undefined {
    let entry = this.entries[port];
    if (entry === undefined) return undefined;
    if (entry === unknownPort) {
      entry = new PortEntry();
      this.entries[port] = entry;
    }
    if (entry.target === null) {
      entry.show(port, this.find(port, table));
      this.known.push(port);
    }
    if (((entry.bits >>> shift) & size) === 0) entry.learn(size, shift !== 0);
    return entry.target!;
  }

  forget(): void {
    for (const port of this.known) this.entries[port]!.show(port, null);
    this.known.length = 0;
    this.last = null;
  }

  /** Neighbouring ports are often looked up one after the other. */
  private find(port: number, table: DispatchTable): Target {
    if (this.last === null || port < this.last.start || port >= this.last.end) this.last = table.search(port);
    return this.last;
  }
}

/** Whether everything in the view has a place in the port table, and none of it is memory. */
export function isPortView({ ranges }: FlatView): boolean {
  const last = ranges[ranges.length - 1];
  if (last === undefined || last.end > ports) return false;
  return ranges.every(
    ({ region, delta, end }) =>
      region.kind !== 'ram' && region.kind !== 'rom' && delta >= -ports && end + delta <= ports,
  );
}
