import type { Readable, Writable } from 'node:stream';
import { afterHostTime } from '../../clock/index.ts';
import type { CharHost } from '../transport.ts';

/** Reads a stream for a back end, and stops reading while the device has no room: the system then stops the other side. */
export class Incoming {
  private isWanted = true;
  private readonly read = () => {
    while (this.isWanted && this.take());
  };

  constructor(
    private readonly stream: Readable,
    private readonly host: Pick<CharHost, 'received'>,
  ) {
    stream.on('readable', this.read);
    this.read();
  }

  want(wanted: boolean): void {
    this.isWanted = wanted;
    this.read();
  }

  /** Stops reading. What this process has read already still arrives: it could not be read again. */
  end(): void {
    this.stream.off('readable', this.read);
    while (this.take());
    this.stream.pause();
  }

  private take(): boolean {
    const bytes = this.stream.read() as Buffer | null;
    if (bytes !== null) this.host.received(bytes);
    return bytes !== null;
  }
}

/** Milliseconds for the last bytes at the end. A reader that does not read by then loses them. */
export const Patience = 1000;

/** Writes the bytes of a guest to a stream. The back end bounds how many are on their way at once. */
export class Outgoing {
  private unsent = 0;
  private isGone = false;
  private isCorked = false;
  private onEmpty: (() => void) | undefined;

  constructor(
    private readonly stream: Writable,
    private readonly host: Pick<CharHost, 'sent'>,
  ) {}

  write(bytes: Uint8Array): void {
    if (this.isGone) return;
    this.unsent += bytes.length;
    this.gather();
    this.stream.write(bytes, () => this.left(bytes.length));
  }

  /** The other side has gone: its back end is closed, which says that nothing is on its way any more. */
  abandon(): void {
    this.isGone = true;
    this.onEmpty?.();
  }

  /** Waits until all bytes have left, but not for ever. Answers how many have not. */
  async flush(patience = Patience): Promise<number> {
    if (this.unsent === 0 || this.isGone) return 0;
    await new Promise<void>((resolve) => {
      const cancel = afterHostTime(patience, resolve);
      this.onEmpty = () => {
        cancel();
        resolve();
      };
    });
    return this.isGone ? 0 : this.unsent;
  }

  /** Many small writes of one slice of the run become one of the system. */
  private gather(): void {
    if (this.isCorked) return;
    this.isCorked = true;
    this.stream.cork();
    process.nextTick(() => {
      this.isCorked = false;
      this.stream.uncork();
    });
  }

  private left(count: number): void {
    if (this.isGone) return;
    this.unsent -= count;
    this.host.sent(count);
    if (this.unsent === 0) this.onEmpty?.();
  }
}
