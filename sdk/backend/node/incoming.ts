import type { Readable } from 'node:stream';
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
