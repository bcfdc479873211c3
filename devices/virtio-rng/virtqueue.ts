import { type DmaPort, KiB, shape, state } from '../../sdk/index.ts';

/** A buffer of a request, in guest memory. */
export interface VirtioBuffer {
  readonly address: number | bigint;
  /** Bytes. */
  readonly length: number;
  /** The device fills it; otherwise the device reads it. */
  readonly writable: boolean;
}

/** One request of the guest: a chain of buffers. */
export interface VirtioRequest {
  /** Its first descriptor: what the guest knows it by. */
  readonly head: number;
  readonly buffers: readonly VirtioBuffer[];
}

/** What one look at the queue came to. */
export interface QueueTurn {
  /** Requests were answered, and the guest wants to hear of it. */
  readonly wantsInterrupt: boolean;
  /** No request is left for another turn. */
  readonly isDone: boolean;
}

const DescriptorFlag = { Next: 1, Write: 2, Indirect: 4 } as const;
const DescriptorSize = 16;
const UsedEntrySize = 8;
const PageSize = 4 * KiB;
const NoInterrupt = 1;

/** The guest made a queue that cannot be. What is wrong is in the message; the device stops, as the specification wants it. */
export class MalformedQueue extends Error {}

/**
 * A virtqueue in the legacy layout: descriptors at a page, the ring of requests behind them, the ring of answers at the next
 * page. All of it is the guest's memory, and none of it is believed: no index leads outside, no chain is longer than the
 * queue, and no turn takes more requests than the queue has.
 */
export class Virtqueue {
  /** The request to take next, and the answer to give next; they count on and on in 16 bits. */
  @state({ as: shape.bits(16) }) private nextRequest = 0;
  @state({ as: shape.bits(16) }) private nextAnswer = 0;
  private readonly bytes = new Uint8Array(DescriptorSize);
  private readonly view = new DataView(this.bytes.buffer);

  constructor(
    readonly size: number,
    private readonly memory: DmaPort,
  ) {}

  reset(): void {
    this.nextRequest = this.nextAnswer = 0;
  }

  /**
   * Every request that waits, each answered with the number of bytes that `serve` wrote. Where that answers nothing, the request
   * and those behind it stay for another turn.
   */
  process(base: number, serve: (request: VirtioRequest) => number | undefined): QueueTurn {
    const available = base + this.size * DescriptorSize;
    const waiting = (this.load16(available + 2) - this.nextRequest) & 0xffff;
    if (waiting > this.size) throw new MalformedQueue(`${waiting} requests wait in a queue of ${this.size}`);
    let taken = 0;
    for (; taken < waiting; taken++) {
      const head = this.load16(available + 4 + 2 * (this.nextRequest % this.size));
      const written = serve({ head, buffers: this.chain(base, head) });
      if (written === undefined) break;
      this.nextRequest = (this.nextRequest + 1) & 0xffff;
      this.answer(base, head, written);
    }
    const wantsInterrupt = taken > 0 && (this.load16(available) & NoInterrupt) === 0;
    return { wantsInterrupt, isDone: taken === waiting };
  }

  private chain(base: number, head: number): VirtioBuffer[] {
    const buffers: VirtioBuffer[] = [];
    let flags: number = DescriptorFlag.Next;
    for (let index = head; flags & DescriptorFlag.Next; index = this.view.getUint16(14, true)) {
      if (index >= this.size) throw new MalformedQueue(`descriptor ${index} in a queue of ${this.size}`);
      if (buffers.length === this.size) throw new MalformedQueue('a chain of descriptors that leads back into itself');
      this.load(base + index * DescriptorSize, DescriptorSize);
      const length = this.view.getUint32(8, true);
      flags = this.view.getUint16(12, true);
      const writable = (flags & DescriptorFlag.Write) !== 0;
      if (flags & DescriptorFlag.Indirect) throw new MalformedQueue('an indirect descriptor, which was not agreed on');
      if (length === 0) throw new MalformedQueue('a buffer of no bytes');
      if (!writable && buffers.at(-1)?.writable) throw new MalformedQueue('a buffer to read behind one to write');
      buffers.push({ address: this.view.getBigUint64(0, true), length, writable });
    }
    return buffers;
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

  private load16(address: number): number {
    this.load(address, 2);
    return this.view.getUint16(0, true);
  }

  private load(address: number, size: number): void {
    if (this.memory.read(address, this.bytes.subarray(0, size)) === 0) return;
    throw new MalformedQueue(`a queue at 0x${address.toString(16)}, where the device reaches no memory`);
  }

  private store(address: number, size: number): void {
    if (this.memory.write(address, this.bytes.subarray(0, size)) === 0) return;
    throw new MalformedQueue(`a queue at 0x${address.toString(16)}, where the device cannot write`);
  }
}
