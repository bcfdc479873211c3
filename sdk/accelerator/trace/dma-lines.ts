import { fromHex, toHex } from '../../base/bytes.ts';
import { OperationKind } from '../guest/operation.ts';
import { type RecordedDma, TraceColumns } from './recorded-trace.ts';

/** A line of a recording is no longer than some 4000 characters. */
export const DmaBytesOnALine = 1024;
const LongestTransfer = 2 ** 32 - 1;

/** The lines of what a device has read by DMA, for recordings of guests and of served devices. */
export function* dmaReadLines(at: bigint, address: number, bytes: Uint8Array): Generator<string> {
  for (let from = 0; from < bytes.length; from += DmaBytesOnALine)
    yield `# dma ${at} ${(address + from).toString(16)} ${toHex(bytes.subarray(from, from + DmaBytesOnALine))}\n`;
}

/** The line of what a device has written by DMA: so many bytes, with this checksum of 8 digits. */
export const dmaWriteLine = (at: bigint, address: number, size: number, sum: string): string =>
  `# dma-write ${at} ${address.toString(16)} ${size} ${sum}\n`;

/** Collects transfers while a run is read. */
export class DmaColumns {
  readonly #transfers = new TraceColumns();
  #bytes = new Uint8Array(0);
  #length = 0;

  /** Reads a line without its '# '. Answers what was expected instead, if it is none. */
  readLine(text: string): string | undefined {
    const [word, time = '', addressText = '', what = '', sum = '', ...more] = text.split(' ');
    const isWrite = word === 'dma-write';
    const isPlaced = /^\d{1,19}$/.test(time) && /^[0-9a-f]{1,14}$/.test(addressText) && more.length === 0;
    const address = Number.parseInt(addressText, 16);
    if (isWrite) {
      const size = /^\d{1,10}$/.test(what) ? Number(what) : Number.NaN;
      if (!isPlaced || !(size <= LongestTransfer) || !/^[0-9a-f]{8}$/.test(sum))
        return 'a time, an address in hex, a number of bytes and a checksum of 8 digits';
      this.#transfers.add(0, OperationKind.Store, address, 1, size, Number.parseInt(sum, 16));
      return undefined;
    }
    const bytes = fromHex(what);
    if (!isPlaced || sum !== '' || bytes === undefined || bytes.length === 0 || bytes.length > DmaBytesOnALine)
      return `a time, an address in hex, and 1 to ${DmaBytesOnALine} bytes in hex`;
    this.#transfers.add(0, OperationKind.Load, address, 1, bytes.length, this.#length);
    this.#keep(bytes);
    return undefined;
  }

  finish(name: string): RecordedDma {
    return { transfers: this.#transfers.finish(name, []), bytes: this.#bytes.subarray(0, this.#length) };
  }

  #keep(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) {
      const longer = new Uint8Array(2 * (this.#length + bytes.length));
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }
}
