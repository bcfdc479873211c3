import { describeJson, type Json, type JsonReader } from '../base/json-reader.ts';
import { readBytes, writeBytes } from '../state/bytes.ts';
import type { LoadPlan, Shape, StatePlace } from '../state/schema.ts';

/** Bytes in the order of their arrival, in a ring of a fixed size. It allocates nothing after it was made. */
export class ByteQueue {
  /** Bytes that it holds. */
  length = 0;
  private first = 0;
  private readonly ring: Uint8Array;

  /** At most `capacity` bytes, a power of two. */
  constructor(readonly capacity: number) {
    this.ring = new Uint8Array(capacity);
  }

  get room(): number {
    return this.capacity - this.length;
  }

  /** There must be room. */
  put(byte: number): void {
    this.ring[(this.first + this.length++) & (this.capacity - 1)] = byte;
  }

  /** As many of the bytes as there is room for; answers how many. */
  putAll(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.room);
    for (let at = 0; at < count; at++) this.put(bytes[at]!);
    return count;
  }

  /** The oldest byte, or -1. */
  take(): number {
    if (this.length === 0) return -1;
    const byte = this.ring[this.first]!;
    this.first = (this.first + 1) & (this.capacity - 1);
    this.length--;
    return byte;
  }

  /** A copy of what it holds. */
  get bytes(): Uint8Array {
    return Uint8Array.from({ length: this.length }, (_, at) => this.ring[(this.first + at) & (this.capacity - 1)]!);
  }

  clear(): void {
    this.length = this.first = 0;
  }
}

/** How a snapshot holds a queue of at most `most` bytes: the bytes in their order. */
export function queueShape(most: number): Shape {
  const expected = `at most ${most} bytes that wait`;
  return Object.freeze({
    expected,
    write: (value: unknown) => (value instanceof ByteQueue ? writeBytes(value.bytes) : undefined),
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const bytes = readBytes(saved.data as Json, most);
      if (bytes === undefined) {
        saved.refuse(`expected ${expected}, found ${describeJson(saved.data)}`);
        return;
      }
      plan.onValidated(() => {
        const queue = place.get() as ByteQueue;
        queue.clear();
        queue.putAll(bytes);
      });
    },
  });
}
