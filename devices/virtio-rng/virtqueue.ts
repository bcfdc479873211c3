import { type DmaPort, KiB, shape, state } from '../../sdk/index.ts';

/** A buffer of a request, in guest memory. */
export interface VirtioBuffer {
  readonly address: number | bigint;
  /** Bytes. */
  readonly length: number;
  /** The device writes it; otherwise the device reads it. */
  readonly writable: boolean;
}

/** One request of the guest: a chain of buffers. */
export interface VirtioRequest {
  /** The index of its first descriptor, which identifies it to the guest. */
  readonly head: number;
  readonly buffers: readonly VirtioBuffer[];
}

/** The result of one turn. */
export interface QueueTurn {
  /** Requests were completed, and the guest has not suppressed the interrupt. */
  readonly wantsInterrupt: boolean;
  /** No request is left for another turn. */
  readonly isDone: boolean;
}

export const DescriptorFlag = { Next: 1, Write: 2, Indirect: 4 } as const;
const DescriptorSize = 16;
const UsedEntrySize = 8;
const PageSize = 4 * KiB;
const NoInterrupt = 1;

/**
 * The guest's queue is malformed. The message says how, and the device stops.
 *
 * @see QEMU 7.2, hw/virtio/virtio.c, virtio_error
 */
export class MalformedQueue extends Error {
  constructor(
    readonly kind: 'requests' | 'descriptor' | 'buffer' | 'unreadable' | 'unwritable',
    message: string,
  ) {
    super(message);
  }
}

/**
 * A split virtqueue in the legacy layout: the descriptor table at a page, the available ring behind it, the used ring
 * at the next page. All of it is guest memory, and nothing in it is trusted. Indexes are checked, no chain is longer than
 * the queue, and no turn takes more requests than the queue has.
 *
 * @see virtio 1.0, 2.4.2 "Legacy Interfaces: A Note on Virtqueue Layout"
 */
export class Virtqueue {
  /** The next index of the available ring and of the used ring. Both are free-running, modulo 2^16. */
  @state({ as: shape.bits(16) }) protected nextRequest = 0;
  @state({ as: shape.bits(16) }) private nextAnswer = 0;
  private readonly bytes = new Uint8Array(DescriptorSize);
  protected readonly view = new DataView(this.bytes.buffer);

  constructor(
    readonly size: number,
    private readonly memory: DmaPort,
  ) {}

  reset(): void {
    this.nextRequest = this.nextAnswer = 0;
  }

  /**
   * Serves the available requests. `serve` returns the bytes that it wrote, or undefined to leave this request and the
   * later ones for another turn.
   */
  process(base: number, serve: (request: VirtioRequest) => number | undefined): QueueTurn {
    const waiting = this.waiting(base);
    let taken = 0;
    for (; taken < waiting; taken++) {
      const head = this.headOf(base, this.nextRequest);
      const written = serve({ head, buffers: this.chain(base, head) });
      if (written === undefined) break;
      this.nextRequest = (this.nextRequest + 1) & 0xffff;
      this.answer(base, head, written);
    }
    return { wantsInterrupt: taken > 0 && this.wantsInterrupt(base), isDone: taken === waiting };
  }

  /** @see virtio 1.0, 2.4.7 "Virtqueue Interrupt Suppression": VIRTQ_AVAIL_F_NO_INTERRUPT */
  wantsInterrupt(base: number): boolean {
    return (this.load16(this.availableRing(base)) & NoInterrupt) === 0;
  }

  /** Number of available requests. @see QEMU 7.2, hw/virtio/virtio.c, virtqueue_num_heads */
  protected waiting(base: number): number {
    const waiting = (this.load16(this.availableRing(base) + 2) - this.nextRequest) & 0xffff;
    if (waiting > this.size)
      throw new MalformedQueue('requests', `${waiting} requests wait in a queue of ${this.size}`);
    return waiting;
  }

  protected headOf(base: number, request: number): number {
    return this.load16(this.availableRing(base) + 4 + 2 * (request % this.size));
  }

  protected chain(base: number, head: number): readonly VirtioBuffer[] {
    return this.walk(base, head, this.size);
  }

  /** The chain at a descriptor of a table. @see QEMU 7.2, hw/virtio/virtio.c, virtqueue_split_pop */
  protected walk(table: number, first: number, size: number): readonly VirtioBuffer[] {
    const buffers: VirtioBuffer[] = [];
    let flags: number = DescriptorFlag.Next;
    for (let index = first; flags & DescriptorFlag.Next; index = this.view.getUint16(14, true)) {
      if (index >= size) throw new MalformedQueue('descriptor', `descriptor ${index} in a queue of ${size}`);
      if (buffers.length === size) throw new MalformedQueue('descriptor', 'a chain of descriptors with a loop');
      this.load(table + index * DescriptorSize, DescriptorSize);
      const length = this.view.getUint32(8, true);
      flags = this.view.getUint16(12, true);
      if (flags & DescriptorFlag.Indirect) this.refuseIndirect();
      const buffer = {
        address: this.view.getBigUint64(0, true),
        length,
        writable: (flags & DescriptorFlag.Write) !== 0,
      };
      this.checkBuffer(buffer, buffers.at(-1));
      buffers.push(buffer);
    }
    return buffers;
  }

  protected refuseIndirect(): void {
    throw new MalformedQueue('descriptor', 'an indirect descriptor, which was not negotiated');
  }

  /**
   * @see virtio 1.0, 2.4.4 "Message Framing": writable buffers come last; QEMU 7.2, hw/virtio/virtio.c,
   * virtqueue_map_desc
   */
  protected checkBuffer({ length, writable }: VirtioBuffer, previous: VirtioBuffer | undefined): void {
    if (length === 0) throw new MalformedQueue('buffer', 'a buffer of no bytes');
    if (!writable && previous?.writable) throw new MalformedQueue('buffer', 'a readable buffer after a writable one');
  }

  private availableRing(base: number): number {
    return base + this.size * DescriptorSize;
  }

  private answer(base: number, head: number, written: number): void {
    const rings = base + this.size * DescriptorSize + 6 + 2 * this.size;
    const used = Math.ceil(rings / PageSize) * PageSize;
    this.view.setUint32(0, head, true);
    this.view.setUint32(4, written, true);
    this.store(used + 4 + UsedEntrySize * (this.nextAnswer % this.size), UsedEntrySize);
    this.nextAnswer = (this.nextAnswer + 1) & 0xffff;
    this.view.setUint16(0, this.nextAnswer, true);
    this.store(used + 2, 2);
  }

  protected load16(address: number): number {
    this.load(address, 2);
    return this.view.getUint16(0, true);
  }

  protected load(address: number, size: number): void {
    if (this.memory.read(address, this.bytes.subarray(0, size)) === 0) return;
    throw new MalformedQueue('unreadable', `a queue at 0x${address.toString(16)}, where the device reaches no memory`);
  }

  protected store(address: number, size: number): void {
    if (this.memory.write(address, this.bytes.subarray(0, size)) === 0) return;
    throw new MalformedQueue('unwritable', `a queue at 0x${address.toString(16)}, where the device cannot write`);
  }
}
