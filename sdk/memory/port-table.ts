import type { DispatchTable, Target } from './dispatch-table.ts';
import type { FlatView } from './flat-view.ts';
import { type ReadCall, readCallOf, type WriteCall, writeCallOf } from './handler-calls.ts';
import { Attention } from './region-attachments.ts';

const ports = 0x1_0000;

// The bits of a port: the widths of reads that call the handler at once (1, 2 and 4 are bits), those of writes, whether queued
// writes are delivered first, and the offset in the region. One field for all: with one field more, random accesses to
// thousands of ports take a third longer.
export const WriteShift = 8;
export const FlushBit = 1 << 15;
export const OffsetShift = 16;

/**
 * What one port leads to: all that a plain access needs, in few fields, so that thousands of ports fit into the processor's
 * cache. It is forgotten when the map or the region's attention changes. Its fields are declared only: one that was undefined
 * first would be a number of any kind to V8.
 */
export class PortEntry {
  bits = 0;
  declare readonly device: object | null;
  read: ReadCall = zero;
  declare readonly guard: number;
  write: WriteCall = nothing;
  /** For the long way; null for a port that was not accessed yet. */
  declare readonly target: Target | null;

  constructor(port: number, target: Target | null) {
    this.device = target?.device ?? null;
    this.guard = target?.guard ?? 0;
    this.target = target;
    if (target === null) return;
    this.bits = (port + target.delta) << OffsetShift;
    if ((target.attention & Attention.Flush) !== 0) this.bits |= FlushBit;
  }

  /** Opens the short way for accesses of this width, if they may go there and their handler is used often. */
  learn(size: number, isWrite: boolean): void {
    const { reads, writes, attention } = this.target!;
    const offset = this.bits >>> OffsetShift;
    if ((offset & (size - 1)) !== 0 || (size !== 1 && size !== 2 && size !== 4)) return;
    if (!isWrite) {
      const handler = reads.first(offset);
      const call = (handler.fast & size) === 0 ? null : readCallOf(handler.fn);
      if (call === null) return;
      this.read = call;
      this.bits |= size;
    } else if ((attention & Attention.Ioeventfd) === 0) {
      const handler = writes.first(offset);
      const call = (handler.fast & size) === 0 ? null : writeCallOf(handler.fn);
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

/** Refuses every short way: a port that was not accessed since the map changed. */
export const unknownPort = new PortEntry(0, null);

/** No entries, in an array that is to V8 as the others are. */
export const noPorts: PortEntry[] = [unknownPort];
noPorts.length = 0;

/** An entry for each port, filled by the first access. */
export class PortTable {
  readonly entries: PortEntry[] = new Array<PortEntry>(ports).fill(unknownPort);
  private readonly known: number[] = [];

  /** Who answers at a port, and a step towards the short way; undefined for what is no port. */
  learn(port: number, size: number, shift: number, table: DispatchTable): Target | undefined {
    let entry = this.entries[port];
    if (entry === unknownPort) {
      entry = new PortEntry(port, table.search(port));
      this.entries[port] = entry;
      this.known.push(port);
    }
    if (entry === undefined) return undefined;
    if (((entry.bits >>> shift) & size) === 0) entry.learn(size, shift !== 0);
    return entry.target!;
  }

  forget(): void {
    for (const port of this.known) this.entries[port] = unknownPort;
    this.known.length = 0;
  }
}

/** Whether everything in the view has a place in the port table. */
export function isPortView({ ranges }: FlatView): boolean {
  const last = ranges[ranges.length - 1];
  if (last === undefined || last.end > ports) return false;
  return ranges.every((range) => range.delta >= -ports && range.end + range.delta <= ports);
}
