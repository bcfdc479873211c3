import { HeaderSize, LargestMessage, sizeOfMessage } from './protocol.ts';

/** Gets each whole message, and the descriptors that came with it, which are its own from then on. */
export type MessageSink = (message: DataView, descriptors: readonly number[]) => void;

const none: readonly number[] = [];

/**
 * Cuts the bytes of a socket into messages. Linux ends a read of a stream at the piece that carries descriptors. So those of a read
 * belong to the last message that it touches, complete or not.
 *
 * @see Linux 6.12, net/unix/af_unix.c, unix_stream_read_generic: "Attach accumulated fds"
 */
export class MessageStream {
  /** The beginning of a message whose end has not come. */
  private held = new Uint8Array(HeaderSize);
  private length = 0;
  private descriptors: readonly number[] = none;
  /** The last message that was given. Most have their length and their place. */
  private view: DataView = new DataView(this.held.buffer);

  constructor(private readonly sink: MessageSink) {}

  /** Descriptors of a message whose end has not come; who ends the stream closes them. */
  get heldDescriptors(): readonly number[] {
    return this.descriptors;
  }

  /** Takes what a read has brought; the sink may keep nothing of it. Answers why the stream has lost its place, or undefined. */
  push(chunk: Uint8Array, descriptors: readonly number[] = none): string | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.length > 0 || chunk.length - at < HeaderSize) {
        at += this.hold(chunk, at, HeaderSize);
        if (this.length < HeaderSize) break;
      }
      const size = this.length > 0 ? sizeOfMessage(this.held, 0) : sizeOfMessage(chunk, at);
      if (size < HeaderSize || size > LargestMessage) {
        this.keep(descriptors);
        return `a message of ${size} bytes, where ${HeaderSize} to ${LargestMessage} are possible`;
      }
      if (this.length === 0 && chunk.length - at >= size) {
        const message = this.viewOf(chunk, at, size);
        at += size;
        this.give(message, at, chunk.length, descriptors);
        continue;
      }
      at += this.hold(chunk, at, size);
      if (this.length < size) break;
      this.length = 0;
      const { held } = this;
      if (held.length > LargestKept) this.held = new Uint8Array(HeaderSize);
      this.give(this.viewOf(held, 0, size), at, chunk.length, descriptors);
    }
    if (this.length > 0) this.keep(descriptors);
    return undefined;
  }

  private give(message: DataView, end: number, of: number, descriptors: readonly number[]): void {
    if (end === of) this.keep(descriptors);
    const own = this.descriptors;
    this.descriptors = none;
    this.sink(message, own);
  }

  private viewOf({ buffer, byteOffset }: Uint8Array, at: number, size: number): DataView {
    const { view } = this;
    const offset = byteOffset + at;
    if (view.buffer === buffer && view.byteOffset === offset && view.byteLength === size) return view;
    this.view = new DataView(buffer, offset, size);
    return this.view;
  }

  private keep(descriptors: readonly number[]): void {
    if (descriptors.length > 0) this.descriptors = [...this.descriptors, ...descriptors];
  }

  /** Takes from the chunk until so many bytes are held; answers how many it took. */
  private hold(chunk: Uint8Array, at: number, wanted: number): number {
    const count = Math.max(0, Math.min(wanted - this.length, chunk.length - at));
    if (this.held.length < this.length + count) this.grow(this.length + count, wanted);
    this.held.set(chunk.subarray(at, at + count), this.length);
    this.length += count;
    return count;
  }

  /** As its bytes come: a header alone does not cost a megabyte. */
  private grow(needed: number, wanted: number): void {
    const larger = new Uint8Array(Math.min(wanted, Math.max(needed, 2 * this.held.length)));
    larger.set(this.held.subarray(0, this.length));
    this.held = larger;
  }
}

/** A buffer that is larger than this is not kept for the next message. */
const LargestKept = 0x1_0000;
