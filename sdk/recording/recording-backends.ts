import { type BlockImage, BlockLine, CharLine, type CharTransport } from '../backend/index.ts';
import { toBase64 } from '../base/bytes.ts';
import type { Machine } from '../machine/index.ts';
import { encoded } from './arrivals.ts';
import type { RecordedBackend } from './header.ts';
import { OutputDigest } from './output-digest.ts';

/** A recording has a checksum after so many bytes of output. */
const BytesBetweenDigests = 65_536;
export const PageSize = 4096;

type Note = (text: string) => void;

/** The back ends of a machine, for the header of its recording. */
export function describeBackends({ backends }: Machine): RecordedBackend[] {
  return backends.all.map(({ backend, line }) => {
    const { id, type, kind } = backend;
    const isChar = line instanceof CharLine;
    return {
      ...{ id, type, kind },
      immediate: isChar && line.isImmediate,
      open: isChar && line.isOpen,
      size: isChar ? 0 : line.image.size,
      readOnly: !isChar && line.image.isReadOnly,
    };
  });
}

/** Notes what the devices send, and what they read from disks. Answers how to note the last checksums and to stop. */
export function recordBackends({ backends }: Machine, note: Note): () => void {
  const endings = backends.all.map(({ line }) => {
    if (line instanceof CharLine) {
      const { transport } = line;
      const recording = new RecordingTransport(line.id, transport, note);
      line.transport = recording;
      return () => {
        line.flush();
        recording.noteDigest();
        line.transport = transport;
      };
    }
    if (!(line instanceof BlockLine)) return () => {};
    const { image } = line;
    line.image = new RecordingImage(line, image, note);
    return () => {
      line.image = image;
    };
  });
  return () => {
    for (const end of endings) end();
  };
}

class RecordingTransport implements CharTransport {
  private readonly digest = new OutputDigest();
  private noted = 0;

  constructor(
    private readonly id: string,
    private readonly transport: CharTransport,
    private readonly note: Note,
  ) {}

  get isImmediate(): boolean {
    return this.transport.isImmediate === true;
  }

  get mayReceive(): boolean {
    return this.transport.mayReceive === true;
  }

  get startsClosed(): boolean {
    return this.transport.startsClosed === true;
  }

  start(host: Parameters<CharTransport['start']>[0]): void | Promise<void> {
    return this.transport.start(host);
  }

  write(bytes: Uint8Array): void {
    this.digest.add(bytes);
    if (this.digest.count - this.noted >= BytesBetweenDigests) this.noteDigest();
    this.transport.write(bytes);
  }

  setReceiving(wanted: boolean): void {
    this.transport.setReceiving?.(wanted);
  }

  close(): void | Promise<void> {
    return this.transport.close();
  }

  describe(): string {
    return this.transport.describe();
  }

  noteDigest(): void {
    const { count, text } = this.digest;
    if (count === this.noted) return;
    this.noted = count;
    this.note(`OUT ${encoded(this.id)} ${count} ${text}`);
  }
}

/** Notes each page of 4 KiB when it is read first, and each failure by the number of the call. */
class RecordingImage implements BlockImage {
  readonly size: number;
  readonly isReadOnly: boolean;
  private readonly id: string;
  private calls: number;
  private readonly seen: Uint8Array;

  constructor(
    { id, early }: BlockLine,
    private readonly image: BlockImage,
    private readonly note: Note,
  ) {
    this.id = id;
    this.size = image.size;
    this.isReadOnly = image.isReadOnly;
    this.seen = new Uint8Array(Math.ceil(this.size / PageSize / 8));
    this.calls = early.calls;
    for (const { offset, length } of early.reads) this.seeAll(offset, new Uint8Array(length));
  }

  read(offset: number, target: Uint8Array): void {
    this.attempt(() => this.image.read(offset, target));
    this.seeAll(offset, target);
  }

  write(offset: number, source: Uint8Array): void {
    this.attempt(() => this.image.write(offset, source));
  }

  flush(): void {
    this.attempt(() => this.image.flush());
  }

  close(): void {
    this.image.close();
  }

  describe(): string {
    return this.image.describe();
  }

  /** Pages that a device has read, into `target`. */
  private seeAll(offset: number, target: Uint8Array): void {
    const last = Math.floor((offset + Math.max(target.length, 1) - 1) / PageSize);
    for (let page = Math.floor(offset / PageSize); page <= last; page++) this.see(page, offset, target);
  }

  private see(page: number, offset: number, target: Uint8Array): void {
    const bit = 1 << (page & 7);
    if ((this.seen[page >> 3]! & bit) !== 0) return;
    this.seen[page >> 3]! |= bit;
    const start = page * PageSize;
    const bytes = new Uint8Array(Math.min(PageSize, this.size - start));
    try {
      this.image.read(start, bytes);
    } catch {
      // The rest of the page cannot be read: the recording has what the device got.
      const from = Math.max(start, offset);
      const part = target.subarray(from - offset, start + bytes.length - offset);
      bytes.set(part.subarray(0, start + bytes.length - from), from - start);
    }
    const text = bytes.every((byte) => byte === 0) ? 'zero' : toBase64(bytes);
    this.note(`BLK ${encoded(this.id)} ${page} ${text}`);
  }

  private attempt(work: () => void): void {
    this.calls++;
    try {
      work();
    } catch (cause) {
      const isFull = (cause as { readonly code?: unknown } | null)?.code === 'ENOSPC';
      this.note(`ERR ${encoded(this.id)} ${this.calls} ${isFull ? 'no-space' : 'input-output'}`);
      throw cause;
    }
  }
}
