import type {
  Backend,
  BlockBackend,
  BlockError,
  BlockImage,
  CharBackend,
  CharHost,
  CharTransport,
} from '../../backend/index.ts';
import { KiB, MiB } from '../../memory/index.ts';

/** What a bench keeps of the bytes that a device has written: the last ones. */
const MostKept = 1 * MiB;
const DefaultImage = 64 * KiB;

/** The image of a block option on a bench: its bytes, or how many zeros. */
export type TestImage =
  | number
  | Uint8Array
  | {
      readonly bytes: Uint8Array | number;
      readonly isReadOnly?: boolean;
      /** So many operations fail at first: what the device does at its start. */
      readonly failsFirst?: number;
    };

interface SavedSide {
  readonly isStopped: boolean;
  readonly isOpen: boolean;
  readonly held: number;
  readonly written: Uint8Array;
}

/** The other side of a character back end, in the hands of a test: `bench.backend('chardev').type('hello')`. */
export class TestCharBackend {
  /** @internal */
  readonly backend: Backend;
  /** The other side is there. */
  isOpen = true;
  private host: CharHost | undefined;
  private isStopped = false;
  /** Bytes that it has not read. */
  private held = 0;
  private parts: Uint8Array[] = [];
  private kept = 0;

  /** @internal */
  constructor(
    readonly id: string,
    private readonly arrived: () => void,
    private readonly limit: (room: number | undefined) => void,
  ) {
    this.backend = { id, type: 'char', kind: 'test', open: () => this.transport };
  }

  /** Sends a text to the device, as UTF-8. What the device does not take waits. */
  type(text: string): void {
    this.send(new TextEncoder().encode(text));
  }

  /** Sends bytes to the device. What the device does not take waits. */
  send(bytes: ArrayLike<number>): void {
    this.host?.received(Uint8Array.from(bytes));
    this.arrived();
  }

  /** What the device has written since the bench was made, or since `clear()`: at most the last 1 MiB. */
  get bytes(): Uint8Array {
    this.arrived();
    const all = new Uint8Array(this.kept);
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** The same as text; bytes that are no UTF-8 are replacement characters. */
  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  /** Forgets what the device has written. */
  clear(): void {
    this.arrived();
    this.parts = [];
    this.kept = 0;
  }

  /** The other side reads no more: the line takes so many bytes more, and refuses the next one. */
  stop(room = 0): void {
    this.arrived();
    this.isStopped = true;
    this.limit(room);
  }

  /** The other side reads again, first what it has left. */
  go(): void {
    const { held } = this;
    this.readsAgain();
    this.host?.sent(held);
    this.arrived();
  }

  /** The other side comes. */
  open(): void {
    if (this.isOpen) return;
    this.isOpen = true;
    this.host?.opened();
    this.arrived();
  }

  /** The other side goes, and what was on its way to it is lost. */
  close(): void {
    if (!this.isOpen) return;
    const { held } = this;
    this.isOpen = false;
    this.readsAgain();
    // The device may learn of it later, behind bytes for which it has no room: nothing holds up its writes until then.
    this.host?.sent(held);
    this.host?.closed();
    this.arrived();
  }

  /** The other side holds the line at break. */
  break(): void {
    this.host?.break();
    this.arrived();
  }

  /** @internal */
  save(): SavedSide {
    const { isStopped, isOpen, held, bytes: written } = this;
    return { isStopped, isOpen, held, written };
  }

  /** @internal */
  load(saved: unknown): void {
    const { isStopped, isOpen, held, written } = saved as SavedSide;
    Object.assign(this, { isStopped, isOpen, held, parts: [written], kept: written.length });
  }

  private readsAgain(): void {
    this.isStopped = false;
    this.held = 0;
    this.limit(undefined);
  }

  private get transport(): CharTransport {
    return {
      start: (host) => {
        this.host = host;
      },
      write: (bytes) => this.take(bytes),
      close() {},
      describe: () => 'test',
    };
  }

  private take(bytes: Uint8Array): void {
    if (this.isOpen) this.keep(bytes);
    if (this.isStopped) this.held += bytes.length;
    else this.host?.sent(bytes.length);
  }

  private keep(bytes: Uint8Array): void {
    this.parts.push(bytes);
    this.kept += bytes.length;
    while (this.kept - (this.parts[0]?.length ?? 0) >= MostKept) this.kept -= this.parts.shift()?.length ?? 0;
  }
}

/** The image behind a block option, in the hands of a test: `bench.backend('drive').failNext('no-space')`. */
export class TestBlockBackend {
  /** @internal */
  readonly backend: Backend;
  /** What is in the image now: at first a copy of what was given. The test may change it. */
  readonly bytes: Uint8Array;
  readonly isReadOnly: boolean;
  /** How often the device has flushed it. */
  flushed = 0;
  /** How often the device has read it, and has written to it. @internal */
  readonly counts = { reads: 0, writes: 0 };
  private failures = 0;
  private isSpared = false;
  private failure: Exclude<BlockError, 'out-of-range' | 'read-only'> = 'input-output';

  /** @internal */
  constructor(
    readonly id: string,
    given: TestImage = DefaultImage,
  ) {
    const {
      bytes,
      isReadOnly = false,
      failsFirst = 0,
    } = typeof given === 'number' || given instanceof Uint8Array ? { bytes: given } : given;
    this.bytes = typeof bytes === 'number' ? new Uint8Array(bytes) : bytes.slice();
    this.isReadOnly = isReadOnly;
    this.failures = failsFirst;
    this.backend = { id, type: 'block', kind: 'test', open: () => this.image };
  }

  /** The next operation fails, or the next few: a read, a write or a flush. */
  failNext(error: Exclude<BlockError, 'out-of-range' | 'read-only'>, times = 1): void {
    this.failure = error;
    this.failures = times;
  }

  /** Does some work on the image in which it does not fail. @internal */
  spare(work: () => void): void {
    this.isSpared = true;
    try {
      work();
    } finally {
      this.isSpared = false;
    }
  }

  /** @internal */
  save(): unknown {
    const { failure, failures, flushed } = this;
    return { failure, failures, flushed, bytes: this.bytes.slice() };
  }

  /** @internal */
  load(saved: unknown): void {
    const { bytes, ...rest } = saved as { readonly bytes: Uint8Array };
    this.bytes.set(bytes);
    Object.assign(this, rest);
  }

  private get image(): BlockImage {
    const { bytes, isReadOnly } = this;
    return {
      size: bytes.length,
      isReadOnly,
      read: (offset, target) => {
        this.check();
        this.counts.reads++;
        target.set(bytes.subarray(offset, offset + target.length));
      },
      write: (offset, source) => {
        this.check();
        this.counts.writes++;
        bytes.set(source, offset);
      },
      flush: () => {
        this.check();
        this.flushed++;
      },
      close() {},
      describe: () => 'test',
    };
  }

  private check(): void {
    if (this.failures === 0 || this.isSpared) return;
    this.failures--;
    throw Object.assign(new Error('the test made it fail'), this.failure === 'no-space' ? { code: 'ENOSPC' } : {});
  }
}

export type TestBackend = TestCharBackend | TestBlockBackend;

/** The other side of what a constructor gets. */
export type TestBackendOf<P> = P extends CharBackend
  ? TestCharBackend
  : P extends BlockBackend
    ? TestBlockBackend
    : never;

/** Where the options of a device are not known to the compiler. */
export type BackendsByName = Readonly<Record<string, CharBackend | BlockBackend>>;
