import { BackplaneError } from '../base/errors.ts';
import type { Backend, BlockImage, CharHost, CharTransport } from './transport.ts';

const KiB = 1024;
const DefaultRing = 64 * KiB;

/** A character back end in memory: a program types into it, and reads what the guest wrote. */
export class RingBuffer implements Backend {
  readonly type = 'char';
  readonly kind = 'ringbuf';
  private host: CharHost | undefined;
  private written: Uint8Array = new Uint8Array(0);

  /** @internal */
  constructor(
    readonly id: string,
    private readonly size: number,
  ) {}

  /** What the guest has written: the last bytes, as many as its size says. */
  get bytes(): Uint8Array {
    return this.written.slice();
  }

  /** The same as text; bytes that are no UTF-8 are replacement characters. */
  get text(): string {
    return new TextDecoder().decode(this.written);
  }

  /** Forgets what the guest has written. */
  clear(): void {
    this.written = new Uint8Array(0);
  }

  /** Sends bytes to the device, or a text as UTF-8. They wait in the machine's inbox. */
  send(what: string | ArrayLike<number>): void {
    if (this.host === undefined) {
      throw new BackplaneError(
        'backend-without-machine',
        `Back end '${this.id}' has no machine. Give it to one first: Machine.create(definition, { backends: [...] }).`,
      );
    }
    this.host.received(typeof what === 'string' ? new TextEncoder().encode(what) : Uint8Array.from(what));
  }

  /** A machine that gets it does this. */
  open(): CharTransport {
    return {
      isImmediate: true,
      start: (host) => {
        this.host = host;
      },
      write: (bytes) => this.keep(bytes),
      close: () => {
        this.host = undefined;
      },
      describe: () => `ringbuf, ${this.written.length} of ${this.size} bytes`,
    };
  }

  private keep(bytes: Uint8Array): void {
    const all = new Uint8Array(this.written.length + bytes.length);
    all.set(this.written);
    all.set(bytes, this.written.length);
    this.written = all.slice(Math.max(0, all.length - this.size));
  }
}

/** A character back end that keeps the last `size` bytes, 64 KiB unless it says otherwise. */
export function ringBuffer({ id, size = DefaultRing }: { readonly id: string; readonly size?: number }): RingBuffer {
  return new RingBuffer(id, size);
}

/** A character back end that takes everything and sends nothing. */
export function nullBackend({ id }: { readonly id: string }): Backend {
  const transport: CharTransport = {
    isImmediate: true,
    start() {},
    write() {},
    close() {},
    describe: () => 'null',
  };
  return { id, type: 'char', kind: 'null', open: () => transport };
}

/** A block back end over an array, which it changes. */
export function memoryImage(given: {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly readOnly?: boolean;
}): Backend {
  const { id, bytes, readOnly: isReadOnly = false } = given;
  const image: BlockImage = {
    size: bytes.length,
    isReadOnly,
    read: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
    write: (offset, source) => bytes.set(source, offset),
    flush() {},
    close() {},
    describe: () => `memory, ${bytes.length} bytes${isReadOnly ? ', read-only' : ''}`,
  };
  return { id, type: 'block', kind: 'memory', open: () => image };
}
