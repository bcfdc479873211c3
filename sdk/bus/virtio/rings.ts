import type { DmaPort } from '../dma-port.ts';
import { MalformedQueue } from './request.ts';

const DescriptorSize = 16;
const UsedEntrySize = 8;
const NoInterrupt = 1;
/** Flags and index of a ring, 16 bits each, before its entries. */
const RingHeader = 4;

/** Where the driver has put the three parts of a queue. */
export interface QueueRings {
  readonly size: number;
  readonly descriptors: bigint;
  readonly available: bigint;
  readonly used: bigint;
}

/** A descriptor as it is in memory. */
export interface Descriptor {
  readonly address: bigint;
  readonly length: number;
  readonly flags: number;
  readonly next: number;
}

/**
 * The bytes of a split queue in guest memory. Indexes are read and written in one piece, in order with all other accesses: the
 * driver runs at the same time.
 *
 * @see virtio 1.2, 2.7.5 "The Virtqueue Descriptor Table" to 2.7.10 "Available Buffer Notification Suppression"
 */
export class Rings {
  readonly #bytes = new Uint8Array(DescriptorSize);
  readonly #view = new DataView(this.#bytes.buffer);

  constructor(
    private readonly place: QueueRings,
    private readonly memory: DmaPort,
  ) {}

  /** The driver wants no interrupts. It is a hint, without event indexes. */
  get suppressesInterrupts(): boolean {
    return (this.loadIndex(Number(this.place.available)) & NoInterrupt) !== 0;
  }

  /** Up to which the driver has put requests into the available ring. */
  get availableIndex(): number {
    return this.loadIndex(Number(this.place.available) + 2);
  }

  headAt(index: number): number {
    const { available, size } = this.place;
    return this.loadIndex(Number(available) + RingHeader + 2 * (index % size));
  }

  /** The answer after which the driver wants an interrupt. */
  get usedEvent(): number {
    const { available, size } = this.place;
    return this.loadIndex(Number(available) + RingHeader + 2 * size);
  }

  /** The request after which the device wants a notification. */
  set availableEvent(index: number) {
    const { used, size } = this.place;
    this.storeIndex(Number(used) + RingHeader + UsedEntrySize * size, index);
  }

  set usedIndex(index: number) {
    this.storeIndex(Number(this.place.used) + 2, index);
  }

  putUsed(index: number, head: number, written: number): void {
    const { used, size } = this.place;
    const address = Number(used) + RingHeader + UsedEntrySize * (index % size);
    this.#view.setUint32(0, head, true);
    this.#view.setUint32(4, written, true);
    if (this.memory.write(address, this.#bytes.subarray(0, UsedEntrySize)) !== 0) throw unwritable(address);
  }

  descriptorAt(table: number, index: number): Descriptor {
    const address = table + index * DescriptorSize;
    if (this.memory.read(address, this.#bytes) !== 0) throw unreadable(address);
    const view = this.#view;
    return {
      address: view.getBigUint64(0, true),
      length: view.getUint32(8, true),
      flags: view.getUint16(12, true),
      next: view.getUint16(14, true),
    };
  }

  private loadIndex(address: number): number {
    const index = this.memory.loadIndex(address);
    if (index < 0) throw unreadable(address);
    return index;
  }

  private storeIndex(address: number, value: number): void {
    if (this.memory.storeIndex(address, value) !== 0) throw unwritable(address);
  }
}

const unreadable = (address: number): MalformedQueue =>
  new MalformedQueue('unreadable', `a queue at 0x${address.toString(16)}, where the device reaches no memory`);

const unwritable = (address: number): MalformedQueue =>
  new MalformedQueue('unwritable', `a queue at 0x${address.toString(16)}, where the device cannot write`);
