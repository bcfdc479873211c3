import { CoalescedEntry, CoalescedRingLayout } from './abi.ts';

const { first: FirstOffset, last: LastOffset, entries: EntriesOffset, slots: Slots } = CoalescedRingLayout;
const {
  size: EntrySize,
  address: AddressOffset,
  length: LengthOffset,
  pio: PioOffset,
  data: DataOffset,
} = CoalescedEntry;
const HighWord = 2 ** 32;

/** One slot always stays free, so that a full ring differs from an empty one. */
export const UsableSlots = Slots - 1;

/**
 * The page that carries queued writes from the kernel to its userspace. The producer owns `last`, the consumer `first`.
 * The ring is empty when they are equal. Ports and memory share it, in program order of each vCPU.
 */
abstract class RingPage {
  protected readonly page: DataView;

  constructor(page: DataView) {
    this.page = page;
  }

  get first(): number {
    return this.page.getUint32(FirstOffset, true);
  }

  get last(): number {
    return this.page.getUint32(LastOffset, true);
  }
}

const after = (slot: number): number => (slot === Slots - 1 ? 0 : slot + 1);

/**
 * The kernel's side, with the arithmetic of Linux 6.12 and later. Userspace can write anything into either index. So
 * `last` is read once and checked before it is used, and `first` is only compared. @see virt/kvm/coalesced_mmio.c, CVE-2019-14821, commit 92f6d4130497
 */
export class RingProducer extends RingPage {
  /** The slot that took the write; -1 if the ring has no room, and then nothing was touched. */
  append(address: number, length: number, pio: number, value: number, valueHigh: number): number {
    const slot = this.free();
    if (slot < 0) return -1;
    const { page } = this;
    const entry = EntriesOffset + slot * EntrySize;
    page.setUint32(entry + AddressOffset, address, true); // stores the low 32 bits
    page.setUint32(entry + AddressOffset + 4, address < HighWord ? 0 : address / HighWord, true);
    page.setUint32(entry + LengthOffset, length, true);
    page.setUint32(entry + PioOffset, pio, true);
    storeValue(page, entry + DataOffset, length, value, valueHigh);
    page.setUint32(LastOffset, after(slot), true);
    return slot;
  }

  /** The slot that would take a write now; -1 if there is no room. */
  free(): number {
    const slot = this.last;
    return slot >= Slots || this.isFull(after(slot)) ? -1 : slot;
  }

  /** Whether there is no room, with `next` as the index behind the next write. */
  protected isFull(next: number): boolean {
    return next === this.first;
  }
}

/**
 * The arithmetic before Linux 6.12. It takes an unsigned difference modulo 170, which does not divide 2^32. So while `first` is not
 * behind `last`, the ring is full with 85 entries. @see commit 92f6d4130497
 */
export class OldRingProducer extends RingProducer {
  protected override isFull(_next: number): boolean {
    return ((this.first - this.last - 1) >>> 0) % Slots === 0;
  }
}

/** A write in the ring. Its value is two numbers of 32 bits. */
export interface QueuedWrite {
  readonly address: number;
  readonly length: number;
  readonly isPort: boolean;
  readonly value: number;
  readonly valueHigh: number;
}

/**
 * Userspace's side: look at the entry at `first`, deliver it, then advance. To drain, read `last` once and advance until
 * `first` meets it. Then another vCPU cannot keep the drain running.
 */
export class RingConsumer extends RingPage {
  get isEmpty(): boolean {
    return this.first === this.last;
  }

  get pending(): number {
    return queuedBetween(this.first, this.last);
  }

  /** Where the entry of a slot begins: what the readers below take. */
  entryAt(slot: number): number {
    return EntriesOffset + slot * EntrySize;
  }

  addressAt(entry: number): number {
    const low = this.page.getUint32(entry + AddressOffset, true);
    const high = this.page.getUint32(entry + AddressOffset + 4, true);
    return high === 0 ? low : low + high * HighWord; // a port stays a small number to V8
  }

  lengthAt(entry: number): number {
    return this.page.getUint32(entry + LengthOffset, true);
  }

  /** A port write; anything but 1 in this word is a memory write. */
  isPortAt(entry: number): boolean {
    return this.page.getUint32(entry + PioOffset, true) === 1;
  }

  /** The low 32 bits of what was written; bytes beyond the length are stale in the page, and zero here. */
  valueAt(entry: number, length: number): number {
    const value = loadNumber(this.page, entry + DataOffset, length);
    return length === 3 ? value & 0xff_ffff : value;
  }

  /** The high 32 bits of a write longer than 4 bytes. */
  valueHighAt(entry: number, length: number): number {
    if (length <= 4) return 0;
    const value = this.page.getUint32(entry + DataOffset + 4, true);
    return length >= 8 ? value : value & (2 ** ((length - 4) * 8) - 1);
  }

  /** The write at `first` as a value of its own; the page has room for 170 whatever the index says. A drain does without. */
  get queued(): QueuedWrite {
    const entry = this.entryAt(this.first % Slots);
    const length = this.lengthAt(entry);
    return {
      address: this.addressAt(entry),
      length,
      isPort: this.isPortAt(entry),
      value: this.valueAt(entry, length),
      valueHigh: this.valueHighAt(entry, length),
    };
  }

  /** The entry at `first` was delivered: its slot is free again. Answers the next. An index that is out of range starts over at 0. */
  advance(first = this.first): number {
    const next = first >= Slots - 1 ? 0 : first + 1;
    this.page.setUint32(FirstOffset, next, true);
    return next;
  }

  /** Forgets what is queued. Where `last` is out of range the kernel stores no more: the ring is empty, writes exit. */
  discard(): void {
    this.page.setUint32(FirstOffset, this.last, true);
  }

  /** The ring is empty, and goes on at this slot: a restored one, where neither side has begun. */
  restartAt(slot: number): void {
    this.page.setUint32(FirstOffset, slot, true);
    this.page.setUint32(LastOffset, slot, true);
  }
}

/** Writes that wait. An index that no kernel would store counts as an empty ring. */
export function queuedBetween(first: number, last: number): number {
  if (first >= Slots || last >= Slots) return 0;
  return last >= first ? last - first : last + Slots - first;
}

/** A value of 1, 2 or 4 bytes. */
export function loadNumber(source: DataView, offset: number, length: number): number {
  if (length === 1) return source.getUint8(offset);
  return length === 2 ? source.getUint16(offset, true) : source.getUint32(offset, true);
}

/** A value of 1, 2 or 4 bytes: small enough to be inlined. */
export function storeNumber(target: DataView, offset: number, length: number, value: number): void {
  if (length === 1) target.setUint8(offset, value);
  else if (length === 2) target.setUint16(offset, value, true);
  else target.setUint32(offset, value, true);
}

/** Stores the first `length` bytes of a value of up to 8, little endian. */
export function storeValue(target: DataView, offset: number, length: number, value: number, valueHigh: number): void {
  switch (length) {
    case 1:
      target.setUint8(offset, value);
      return;
    case 2:
      target.setUint16(offset, value, true);
      return;
    case 4:
      target.setUint32(offset, value, true);
      return;
    case 8:
      target.setUint32(offset, value, true);
      target.setUint32(offset + 4, valueHigh, true);
      return;
    default:
      for (let byte = 0; byte < length; byte++) {
        target.setUint8(offset + byte, byte < 4 ? value >>> (8 * byte) : valueHigh >>> (8 * (byte - 4)));
      }
  }
}
