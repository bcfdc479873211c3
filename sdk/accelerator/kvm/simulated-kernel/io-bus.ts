import { Errno, MaximumBusDevices } from '../abi.ts';

/** Whether a device on a bus took a write; a full ring is not taken, but counted. */
export const BusAnswer = { NotTaken: 0, Queued: 1, Signalled: 2, RingFull: 3 } as const;
export type BusAnswerValue = (typeof BusAnswer)[keyof typeof BusAnswer];

/** What sits on a bus inside the kernel: a coalesced zone or an ioeventfd. Neither answers reads. */
export interface BusDevice {
  readonly countsAgainstLimit: boolean;
  write(address: number, length: number, value: number, valueHigh: number): BusAnswerValue;
  /** Whether it would take this write now. */
  takes(address: number, length: number, value: number, valueHigh: number): boolean;
}

/** Where the kernel's unsigned 64-bit arithmetic ends up, as a number that accesses (below 2 ** 53) compare with. */
interface BusRange {
  readonly device: BusDevice;
  readonly start: bigint;
  readonly end: bigint;
  readonly hasLength: boolean;
  readonly startNumber: number;
  readonly endNumber: number;
}

/**
 * One of KVM's I/O buses. Its order decides which device takes a write that several match. A range is inserted before the
 * first that starts at or after it and ends behind it. A lookup bisects to any match, walks back to the first of a row of
 * matches, and offers the write until one takes it. For nested ranges that is no total order, so the bisection is copied
 * step by step. @see virt/kvm/kvm_main.c, kvm_io_bus_*; linux/bsearch.h
 */
export class IoBus {
  readonly #ranges: BusRange[] = [];
  #limited = 0;
  /** The last lookup and what it found: a guest often writes to one address many times. No address is -1. */
  #lastAddress = -1;
  #lastLength = 0;
  #lastMatch = -1;

  /**
   * `length` is the kernel's `int`: a zone of 2 GiB or more has a negative one. Answers 0 or an errno.
   * ioeventfds are not counted against the limit, but are refused like any other once it is reached.
   */
  register(address: bigint, length: number, device: BusDevice): number {
    if (this.#limited >= MaximumBusDevices) return Errno.ENOSPC;
    const end = BigInt.asUintN(64, address + BigInt(length));
    this.#lastAddress = -1;
    const before = this.#ranges.findIndex((range) => {
      if (range.start < address) return false;
      return length === 0 ? range.start > address : range.end > end;
    });
    this.#ranges.splice(before < 0 ? this.#ranges.length : before, 0, {
      device,
      start: address,
      end,
      hasLength: length !== 0,
      startNumber: Number(address),
      endNumber: Number(end),
    });
    if (device.countsAgainstLimit) this.#limited++;
    return 0;
  }

  unregister(device: BusDevice): void {
    const index = this.#ranges.findIndex((range) => range.device === device);
    if (index < 0) return;
    this.#lastAddress = -1;
    this.#ranges.splice(index, 1);
    if (device.countsAgainstLimit) this.#limited--;
  }

  /** Offers a write to the devices that match it. RingFull if a zone matched, had no room, and nothing else took it. */
  write(address: number, length: number, value: number, valueHigh: number): BusAnswerValue {
    const ranges = this.#ranges;
    if (address !== this.#lastAddress || length !== this.#lastLength) {
      this.#lastMatch = this.#firstMatch(address, length);
      this.#lastAddress = address;
      this.#lastLength = length;
    }
    let index = this.#lastMatch;
    if (index < 0) return BusAnswer.NotTaken;
    let answer: BusAnswerValue = BusAnswer.NotTaken;
    for (; index < ranges.length && compare(address, length, ranges[index]!) === 0; index++) {
      const taken = ranges[index]!.device.write(address, length, value, valueHigh);
      if (taken === BusAnswer.Queued || taken === BusAnswer.Signalled) return taken;
      if (taken === BusAnswer.RingFull) answer = taken;
    }
    return answer;
  }

  /** Whether a device would take this write now. */
  takes(address: number, length: number, value: number, valueHigh: number): boolean {
    return this.#ranges.some(
      (range) => compare(address, length, range) === 0 && range.device.takes(address, length, value, valueHigh),
    );
  }

  #firstMatch(address: number, length: number): number {
    const ranges = this.#ranges;
    let base = 0;
    let count = ranges.length;
    while (count > 0) {
      const pivot = base + (count >> 1);
      const order = compare(address, length, ranges[pivot]!);
      if (order === 0) {
        let first = pivot;
        while (first > 0 && compare(address, length, ranges[first - 1]!) === 0) first--;
        return first;
      }
      if (order > 0) {
        base = pivot + 1;
        count--;
      }
      count >>= 1;
    }
    return -1;
  }
}

/** kvm_io_bus_cmp: 0 if the access lies inside the range, or starts at it if the range has no length. */
function compare(address: number, length: number, range: BusRange): number {
  if (address < range.startNumber) return -1;
  if (range.hasLength) return address + length > range.endNumber ? 1 : 0;
  return address > range.startNumber ? 1 : 0;
}
