import { isPowerOfTwo } from '../../base/bits.ts';
import { fullFence } from '../../memory/index.ts';
import { state } from '../../state/schema.ts';
import { shape } from '../../state/shapes.ts';
import type { DmaPort } from '../dma-port.ts';
import { NoVector } from './features.ts';
import { MalformedQueue, type VirtioBuffer, VirtioRequest } from './request.ts';
import { type QueueRings, Rings } from './rings.ts';

export const DescriptorFlag = { Next: 1, Write: 2, Indirect: 4 } as const;
const DescriptorSize = 16;
/** Descriptors of a table. @see QEMU 7.2, include/hw/virtio/virtio.h, VIRTQUEUE_MAX_SIZE */
const LongestTable = 1024;
const LegacyAlignment = 4096;

/**
 * What a device says of a request. The number of bytes that it wrote answers it. 'turn': it goes on in another turn. 'wait': until
 * something else happens, and the device asks again.
 */
export type VirtioAnswer = number | 'turn' | 'wait';

/** The result of one turn. */
export interface QueueTurn {
  /** Requests were answered, and the driver has not suppressed the interrupt. */
  readonly wantsInterrupt: boolean;
  /** Nothing is left for another turn. */
  readonly isDone: boolean;
}

/**
 * A split virtqueue: descriptor table, available ring and used ring, in guest memory. Nothing in it is trusted. Indexes are
 * checked, no chain is longer than the queue or its table, and no turn takes more requests than the queue has.
 *
 * @see virtio 1.2, 2.7 "Split Virtqueues"
 */
export class SplitQueue implements QueueRings {
  /** Descriptors, a power of two. The driver may make it smaller. */
  @state({ as: shape.integer(0, 32_768) }) size: number;
  /** The driver has put its addresses in place. */
  @state enabled = false;
  @state({ as: shape.bigBits(64) }) descriptors = 0n;
  @state({ as: shape.bigBits(64) }) available = 0n;
  @state({ as: shape.bigBits(64) }) used = 0n;
  /** Its MSI-X vector. */
  @state({ as: shape.bits(16) }) vector: number = NoVector;
  /** The next index of the available ring and of the used ring. Both are free-running, modulo 2^16. */
  @state({ as: shape.bits(16) }) protected nextRequest = 0;
  @state({ as: shape.bits(16) }) private nextAnswer = 0;
  /** Of the first request. @internal */
  @state({ as: shape.integer(0, Number.MAX_SAFE_INTEGER) }) progress = 0;
  /** The driver accepted these features. */
  hasIndirect = false;
  hasEventIndex = false;
  protected readonly rings: Rings;

  constructor(
    readonly largest: number,
    protected readonly memory: DmaPort,
  ) {
    this.size = largest;
    this.rings = new Rings(this, memory);
  }

  /**
   * As a driver of the legacy interface places it: the used ring begins at the next page after the others.
   *
   * @see virtio 1.2, 2.7.2 "Legacy Interfaces: A Note on Virtqueue Layout"
   */
  placeInPages(base: number): void {
    const rings = base + DescriptorSize * this.size;
    const end = rings + 6 + 2 * this.size;
    this.descriptors = BigInt(base);
    this.available = BigInt(rings);
    this.used = BigInt(Math.ceil(end / LegacyAlignment) * LegacyAlignment);
    this.enabled = true;
  }

  /** Whether it can have so many descriptors. */
  isPossible(size: number): boolean {
    return isPowerOfTwo(size) && size <= this.largest;
  }

  reset(): void {
    this.size = this.largest;
    this.enabled = false;
    this.descriptors = this.available = this.used = 0n;
    this.vector = NoVector;
    this.nextRequest = this.nextAnswer = this.progress = 0;
  }

  /**
   * Serves the available requests: at most as many as the queue has, and `bytes` of their contents. With event indexes the driver is
   * asked to notify of the next request. The ring is looked at again after that, since it may have come meanwhile.
   */
  process(bytes: number, serve: (request: VirtioRequest) => VirtioAnswer): QueueTurn {
    const before = this.nextAnswer;
    const turn = { left: bytes };
    let taken = 0;
    let answer: VirtioAnswer = 0;
    for (let waiting = this.waiting(); waiting > 0 && typeof answer === 'number'; waiting = this.waitingAgain()) {
      for (let one = 0; one < waiting; one++) {
        answer = taken === this.size ? 'turn' : this.serveOne(serve, turn);
        if (typeof answer !== 'number') break;
        taken++;
      }
    }
    if (answer === 'wait') this.waitingAgain();
    return { wantsInterrupt: taken > 0 && this.wantsInterrupt(before), isDone: answer !== 'turn' };
  }

  /** Whether the driver wants an interrupt for answers from index `before` on. */
  wantsInterrupt(before: number): boolean {
    fullFence();
    if (!this.hasEventIndex) return !this.rings.suppressesInterrupts;
    const event = this.rings.usedEvent;
    return ((this.nextAnswer - event - 1) & 0xffff) < ((this.nextAnswer - before) & 0xffff);
  }

  private serveOne(serve: (request: VirtioRequest) => VirtioAnswer, turn: { left: number }): VirtioAnswer {
    const head = this.headOf(this.nextRequest);
    const answer = serve(new VirtioRequest(head, this.chain(head), this.memory, this, turn));
    if (typeof answer !== 'number') return answer;
    this.progress = 0;
    this.nextRequest = (this.nextRequest + 1) & 0xffff;
    this.rings.putUsed(this.nextAnswer, head, answer);
    this.nextAnswer = (this.nextAnswer + 1) & 0xffff;
    this.rings.usedIndex = this.nextAnswer;
    return answer;
  }

  /** The driver is to tell of the next request. What came before it read that is found here. */
  private waitingAgain(): number {
    if (!this.hasEventIndex) return 0;
    this.rings.availableEvent = this.rings.availableIndex;
    fullFence();
    return this.waiting();
  }

  /** Number of available requests. @see QEMU 7.2, hw/virtio/virtio.c, virtqueue_num_heads */
  protected waiting(): number {
    const waiting = (this.rings.availableIndex - this.nextRequest) & 0xffff;
    if (waiting > this.size)
      throw new MalformedQueue('requests', `${waiting} requests wait in a queue of ${this.size}`);
    return waiting;
  }

  protected headOf(request: number): number {
    return this.rings.headAt(request);
  }

  /** The buffers of a request. A head that is indirect leads to a table of them. */
  protected chain(head: number): readonly VirtioBuffer[] {
    const table = Number(this.descriptors);
    if (this.hasIndirect && head < this.size) {
      const { flags, length, address } = this.rings.descriptorAt(table, head);
      if (flags & DescriptorFlag.Indirect) {
        if (flags & DescriptorFlag.Next)
          throw new MalformedQueue('descriptor', 'an indirect descriptor with a next one');
        return this.indirect(Number(address), length);
      }
    }
    return this.walk(table, head, this.size);
  }

  protected indirect(table: number, length: number): readonly VirtioBuffer[] {
    if (length === 0 || length % DescriptorSize !== 0)
      throw new MalformedQueue('descriptor', `an indirect table of ${length} bytes`);
    return this.walk(table, 0, Math.min(length / DescriptorSize, LongestTable));
  }

  /** The chain at a descriptor of a table. @see QEMU 7.2, hw/virtio/virtio.c, virtqueue_split_pop */
  protected walk(table: number, first: number, size: number): readonly VirtioBuffer[] {
    const buffers: VirtioBuffer[] = [];
    let index = first;
    for (let goesOn = true; goesOn; ) {
      if (index >= size) throw new MalformedQueue('descriptor', `descriptor ${index} in a queue of ${size}`);
      if (buffers.length === size) throw new MalformedQueue('descriptor', 'a chain of descriptors with a loop');
      const { address, length, flags, next } = this.rings.descriptorAt(table, index);
      if (flags & DescriptorFlag.Indirect) this.refuseIndirect();
      const buffer = { address, length, writable: (flags & DescriptorFlag.Write) !== 0 };
      this.checkBuffer(buffer, buffers.at(-1));
      buffers.push(buffer);
      goesOn = (flags & DescriptorFlag.Next) !== 0;
      index = next;
    }
    return buffers;
  }

  protected refuseIndirect(): void {
    const why = this.hasIndirect ? ' behind another one' : ', which was not negotiated';
    throw new MalformedQueue('descriptor', `an indirect descriptor${why}`);
  }

  /**
   * @see virtio 1.2, 2.7.4.2 "Device Requirements: Message Framing": writable buffers come last; QEMU 7.2, hw/virtio/virtio.c,
   * virtqueue_map_desc
   */
  protected checkBuffer({ length, writable }: VirtioBuffer, previous: VirtioBuffer | undefined): void {
    if (length === 0) throw new MalformedQueue('buffer', 'a buffer of no bytes');
    if (!writable && previous?.writable) throw new MalformedQueue('buffer', 'a readable buffer after a writable one');
  }
}
