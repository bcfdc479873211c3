import { CoalescedRingLayout, CoalescedZone, Errno } from '../abi.ts';
import type { RingProducer } from '../coalesced-ring.ts';
import type { GuestTime } from './guest-time.ts';
import { BusAnswer, type BusAnswerValue, type BusDevice, type IoBus } from './io-bus.ts';

/** When each slot of the ring was filled: what a userspace cannot see in the page. */
export class RingTimes {
  readonly #queuedAt = new Float64Array(CoalescedRingLayout.slots).fill(Number.NaN);

  constructor(private readonly time: GuestTime) {}

  /** A write was queued in this slot. If it is the oldest, there is a new deadline. */
  stamp(slot: number): void {
    const { time } = this;
    this.#queuedAt[slot] = time.now;
    if (time.now + time.longestQueued < time.quietUntil) time.quietUntil = time.now + time.longestQueued;
  }

  /** Undefined for a slot that was never filled, or that does not exist. */
  queuedSince(slot: number): number | undefined {
    const since = this.#queuedAt[slot];
    return since === undefined || Number.isNaN(since) ? undefined : since;
  }

  rebase(nanoseconds: number): void {
    for (let slot = 0; slot < this.#queuedAt.length; slot++) this.#queuedAt[slot]! -= nanoseconds;
  }
}

class KernelZone implements BusDevice {
  readonly countsAgainstLimit = true;
  readonly #end: bigint;
  readonly #startNumber: number;
  readonly #endNumber: number;

  constructor(
    private readonly start: bigint,
    size: number,
    readonly pio: 0 | 1,
    private readonly ring: RingProducer,
    private readonly times: RingTimes,
  ) {
    this.#end = BigInt.asUintN(64, start + BigInt(size));
    this.#startNumber = Number(start);
    this.#endNumber = Number(this.#end);
  }

  write(address: number, length: number, value: number, valueHigh: number): BusAnswerValue {
    if (address < this.#startNumber || address + length > this.#endNumber) return BusAnswer.NotTaken;
    const slot = this.ring.append(address, length, this.pio, value, valueHigh);
    if (slot < 0) return BusAnswer.RingFull;
    this.times.stamp(slot);
    return BusAnswer.Queued;
  }

  takes(address: number, length: number): boolean {
    return address >= this.#startNumber && address + length <= this.#endNumber && this.ring.free() >= 0;
  }

  /** The same test as for a write; a range of 2 GiB or more is negative to the kernel and lies in no zone. */
  contains(address: bigint, size: number): boolean {
    if ((size | 0) < 0) return false;
    return address >= this.start && address + BigInt(size) <= this.#end;
  }
}

/** The zones of a VM, in order of registration. @see virt/kvm/coalesced_mmio.c */
export class KernelZones {
  readonly #zones = new Set<KernelZone>();

  /** A kernel without COALESCED_PIO ignores the pio word: every zone is a memory zone. */
  constructor(
    private readonly ports: IoBus,
    private readonly memory: IoBus,
    private readonly ring: RingProducer,
    private readonly times: RingTimes,
    private readonly knowsPorts: boolean,
  ) {}

  /** Size 0, duplicates, overlaps and addresses that no access has are accepted. Answers 0 or an errno. */
  register(zone: DataView): number {
    const pio = this.#kind(zone);
    if (pio === undefined) return Errno.EINVAL;
    const address = zone.getBigUint64(CoalescedZone.address, true);
    const size = zone.getUint32(CoalescedZone.length, true);
    const device = new KernelZone(address, size, pio, this.ring, this.times);
    const refused = this.#bus(pio).register(address, size | 0, device);
    if (refused === 0) this.#zones.add(device);
    return refused;
  }

  /** Removes every zone that contains the range; none is a success too. What is queued stays queued. */
  unregister(zone: DataView): number {
    const pio = this.#kind(zone);
    if (pio === undefined) return Errno.EINVAL;
    const address = zone.getBigUint64(CoalescedZone.address, true);
    const size = zone.getUint32(CoalescedZone.length, true);
    for (const device of this.#zones) {
      if (device.pio !== pio || !device.contains(address, size)) continue;
      this.#bus(pio).unregister(device);
      this.#zones.delete(device);
    }
    return 0;
  }

  #kind(zone: DataView): 0 | 1 | undefined {
    if (!this.knowsPorts) return 0;
    const pio = zone.getUint32(CoalescedZone.pio, true);
    return pio === 0 || pio === 1 ? pio : undefined;
  }

  #bus(pio: 0 | 1): IoBus {
    return pio === 1 ? this.ports : this.memory;
  }
}
