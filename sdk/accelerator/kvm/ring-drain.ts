import type { MemoryTopology } from '../../memory/index.ts';
import type { AcceleratorListener } from '../events.ts';
import type { ExitStatistics } from '../exit-statistics.ts';
import { type GuestAccess, ObservedAccess } from '../guest-access.ts';
import { queuedBetween, RingConsumer, storeValue } from './coalesced-ring.ts';
import type { RunRequests } from './run-control.ts';
import type { KvmVcpu } from './vm.ts';

/** A kernel that knows when it queued a write, in its own time. */
export interface QueueTimes {
  readonly now: number;
  /** When the write in this slot of the VM's ring was queued; undefined where that is not known. */
  queuedSince(vcpuFd: number, slot: number): number | undefined;
}

/**
 * Takes queued writes out of the ring, in order, and hands them to the machine. One drain takes the entries up to `last` as
 * it stood at the beginning, so that another vCPU cannot keep it going. An entry is dispatched and then `first` moves. A
 * drain asked for inside a device handler waits until the outermost handler has returned. Inside another drain it does
 * nothing, because the outer one goes on. A reset ends it.
 */
export class RingDrain {
  /** A drain was asked for inside a handler; the run loop makes up for it before the vCPU goes on. */
  postponed = false;
  private draining = false;
  private access: GuestAccess;
  private listener: AcceleratorListener | undefined;
  private readonly ring: RingConsumer;
  private readonly oddBytes = new DataView(new ArrayBuffer(8));

  constructor(
    private readonly times: QueueTimes | undefined,
    private readonly vcpu: KvmVcpu,
    private readonly topology: MemoryTopology,
    private machine: GuestAccess,
    private readonly requests: RunRequests,
    private readonly statistics: ExitStatistics,
  ) {
    this.ring = new RingConsumer(vcpu.ring);
    this.access = machine;
  }

  /** Queued writes go past the listener while there is one, and straight to the machine otherwise. */
  listen(listener: AcceleratorListener | undefined): void {
    this.listener = listener;
    this.access = listener === undefined ? this.machine : new ObservedAccess(this.machine, listener, true);
  }

  /** They go this way from here on. */
  route(machine: GuestAccess): void {
    this.machine = machine;
    this.listen(this.listener);
  }

  get pending(): number {
    return this.ring.pending;
  }

  /** Delivers what is queued now; answers how many writes that were. */
  drain(): number {
    const { first, last } = this.ring;
    if (first === last || this.draining) return 0;
    if (this.topology.handlerDepth > 0) {
      this.postponed = true;
      return 0;
    }
    this.postponed = false;
    const queued = queuedBetween(first, last);
    if (queued === 0) return this.repair();
    if (this.times !== undefined) this.noteWait(this.times, first);
    return this.deliver(first, queued);
  }

  /** Drops what is queued: a reset has made it void. */
  discard(): void {
    this.postponed = false;
    this.statistics.discardedWrites += this.ring.pending;
    this.ring.discard();
  }

  private deliver(first: number, queued: number): number {
    const { ring, requests } = this;
    let delivered = 0;
    let slot = first;
    this.draining = true;
    try {
      while (delivered < queued && !requests.reset) {
        delivered++;
        this.dispatch(ring.entryAt(slot));
        slot = ring.advance(slot);
      }
    } catch (failure) {
      ring.advance(slot);
      throw failure;
    } finally {
      this.draining = false;
      this.statistics.deliveredWrites += delivered;
    }
    return delivered;
  }

  private dispatch(entry: number): void {
    const { ring, listener } = this;
    const address = ring.addressAt(entry);
    const length = ring.lengthAt(entry);
    const isPort = ring.isPortAt(entry);
    if (listener !== undefined) this.emit(listener, isPort, address, length);
    const isPlain = (length === 1 || length === 4 || length === 2) && address <= Number.MAX_SAFE_INTEGER;
    if (isPlain) this.access.write(isPort, address, ring.valueAt(entry, length), length);
    else this.dispatchOther(entry, isPort, address, length);
  }

  /** Apart, so that V8 inlines what nearly every write is. */
  private dispatchOther(entry: number, isPort: boolean, address: number, length: number): void {
    const { ring, access } = this;
    if (length === 0 || length > 8 || address > Number.MAX_SAFE_INTEGER) {
      this.statistics.damagedEntries++;
      return;
    }
    const value = ring.valueAt(entry, length);
    const valueHigh = ring.valueHighAt(entry, length);
    if (length === 8) access.write64(isPort, address, (BigInt(valueHigh) << 32n) | BigInt(value));
    else {
      storeValue(this.oddBytes, 0, length, value, valueHigh);
      access.writeBytes(isPort, address, new Uint8Array(this.oddBytes.buffer, 0, length));
    }
  }

  /** No kernel stores an index outside the ring. It is counted, and the ring is emptied. */
  private repair(): number {
    this.statistics.damagedEntries++;
    this.ring.discard();
    return 0;
  }

  private emit(listener: AcceleratorListener, isPort: boolean, address: number, size: number): void {
    const since = this.times?.queuedSince(this.vcpu.fd, this.ring.first);
    const waited = since === undefined ? undefined : this.times!.now - since;
    const { epoch, now: time } = listener.clock;
    listener.onEvent({ kind: 'coalesced-write', epoch, time, isPort, address, size, waited });
  }

  private noteWait(times: QueueTimes, first: number): void {
    const since = times.queuedSince(this.vcpu.fd, first);
    if (since !== undefined) this.statistics.noteWait(times.now - since);
  }
}
