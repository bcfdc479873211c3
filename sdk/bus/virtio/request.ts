import type { DmaPort } from '../dma-port.ts';

/**
 * The driver's queue is malformed. The message says how, and the device stops until it is reset.
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

/** A buffer of a request, in guest memory. */
export interface VirtioBuffer {
  readonly address: number | bigint;
  /** Bytes. */
  readonly length: number;
  /** The device writes it; otherwise the device reads it. */
  readonly writable: boolean;
}

/** What a queue keeps of its first request between two turns. */
export interface RequestProgress {
  progress: number;
}

/**
 * One request of the driver: a chain of buffers, those to be read first. Offsets count bytes over all readable buffers, or over all
 * writable ones. The driver may change memory and buffers between two turns.
 */
export class VirtioRequest {
  /** Bytes that the driver wrote for the device. */
  readonly readable: number;
  /** Bytes that the device may write. */
  readonly writable: number;

  /** @internal */
  constructor(
    /** The index of its first descriptor, which identifies it to the driver. */
    readonly head: number,
    readonly buffers: readonly VirtioBuffer[],
    private readonly memory: DmaPort,
    private readonly kept: RequestProgress,
    private readonly turn: { left: number },
  ) {
    let [readable, writable] = [0, 0];
    for (const buffer of buffers) {
      if (buffer.writable) writable += buffer.length;
      else readable += buffer.length;
    }
    this.readable = readable;
    this.writable = writable;
  }

  /** Bytes that may still be moved in this turn. Answer 'turn' when they do not suffice. */
  get left(): number {
    return this.turn.left;
  }

  /** A number that stays with the request until it is answered: how much earlier turns did. 0 at first. */
  get progress(): number {
    return this.kept.progress;
  }

  set progress(value: number) {
    this.kept.progress = value;
  }

  /** Fills `target` from the readable buffers, from `offset` on. Answers how many bytes there were. */
  read(offset: number, target: Uint8Array): number {
    return this.move(false, offset, target);
  }

  /** Copies `source` to the writable buffers, from `offset` on. Answers for how many bytes there was room. */
  write(offset: number, source: Uint8Array): number {
    return this.move(true, offset, source);
  }

  /** The request cannot be: the device stops until it is reset, as with a malformed queue. The message says what is wrong. */
  refuse(message: string): never {
    throw new MalformedQueue('buffer', message);
  }

  private move(writes: boolean, offset: number, bytes: Uint8Array): number {
    let start = 0;
    let done = 0;
    for (const { address, length, writable } of this.buffers) {
      if (writable !== writes) continue;
      if (done === bytes.length) break;
      const within = offset + done - start;
      if (within < length) {
        const part = bytes.subarray(done, Math.min(bytes.length, done + length - within));
        this.transfer(writes, addressIn(address, within), part);
        done += part.length;
      }
      start += length;
    }
    this.turn.left = Math.max(0, this.turn.left - done);
    return done;
  }

  private transfer(writes: boolean, address: number | bigint, part: Uint8Array): void {
    const { memory } = this;
    if ((writes ? memory.write(address, part) : memory.read(address, part)) === 0) return;
    const where = `a buffer at 0x${address.toString(16)}`;
    throw writes
      ? new MalformedQueue('unwritable', `${where}, where the device cannot write`)
      : new MalformedQueue('unreadable', `${where}, where the device reaches no memory`);
  }
}

/** Numbers are exact up to 2^53, and no memory is beyond. */
const addressIn = (address: number | bigint, offset: number): number | bigint =>
  typeof address === 'bigint' ? address + BigInt(offset) : address + offset;
