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

export const DescriptorFlag = { Next: 1, Write: 2, Indirect: 4 } as const;
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
   * Every request that waits, each answered with the number of bytes that `serve` wrote. Where that answers nothing, the request
   * and those behind it stay for another turn.
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

  wantsInterrupt(base: number): boolean {
    return (this.load16(this.availableRing(base)) & NoInterrupt) === 0;
  }

  /** How many requests there are to serve. */
  protected waiting(base: number): number {
    const waiting = (this.load16(this.availableRing(base) + 2) - this.nextRequest) & 0xffff;
    if (waiting > this.size) throw new MalformedQueue(`${waiting} requests wait in a queue of ${this.size}`);
    return waiting;
  }

  protected headOf(base: number, request: number): number {
    return this.load16(this.availableRing(base) + 4 + 2 * (request % this.size));
  }

  protected chain(base: number, head: number): readonly VirtioBuffer[] {
    return this.walk(base, head, this.size);
  }

  /** The chain that begins at a descriptor of a table of so many. */
  protected walk(table: number, first: number, size: number): readonly VirtioBuffer[] {
    const buffers: VirtioBuffer[] = [];
    let flags: number = DescriptorFlag.Next;
    for (let index = first; flags & DescriptorFlag.Next; index = this.view.getUint16(14, true)) {
      if (index >= size) throw new MalformedQueue(`descriptor ${index} in a queue of ${size}`);
      if (buffers.length === size) throw new MalformedQueue('a chain of descriptors that leads back into itself');
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
    throw new MalformedQueue('an indirect descriptor, which was not agreed on');
  }

  protected checkBuffer({ length, writable }: VirtioBuffer, previous: VirtioBuffer | undefined): void {
    if (length === 0) throw new MalformedQueue('a buffer of no bytes');
    if (!writable && previous?.writable) throw new MalformedQueue('a buffer to read behind one to write');
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
    throw new MalformedQueue(`a queue at 0x${address.toString(16)}, where the device reaches no memory`);
  }

  protected store(address: number, size: number): void {
    if (this.memory.write(address, this.bytes.subarray(0, size)) === 0) return;
    throw new MalformedQueue(`a queue at 0x${address.toString(16)}, where the device cannot write`);
  }
}
