import { OperationKind } from '../accelerator/guest/operation.ts';
import { DmaBytesOnALine, dmaReadLines, dmaWriteLine } from '../accelerator/trace/dma-lines.ts';
import type { RunScript } from '../accelerator/trace/run-guest.ts';
import { counted, hex } from '../base/text.ts';
import type { DmaObserver } from '../memory/index.ts';
import { OutputDigest } from './output-digest.ts';

/** So many bytes that devices read by DMA are in a recording, unless it says otherwise. */
export const DefaultDmaLimit = 32 * 2 ** 20;

/** How much of what devices read is in a recording. Behind the first transfer that is not, none is. */
class DmaBudget {
  lost = 0;

  constructor(private left: number) {}

  takes(bytes: number): boolean {
    if (this.lost > 0 || bytes > this.left) {
      this.lost++;
      return false;
    }
    this.left -= bytes;
    return true;
  }
}

/** Writes down what devices transfer by DMA: the bytes that they read, and a checksum of those that they write. */
export class RecordedTransfers implements DmaObserver {
  private readonly budget: DmaBudget;

  constructor(
    limit: number,
    private readonly time: () => bigint,
    private readonly write: (line: string) => void,
  ) {
    this.budget = new DmaBudget(limit);
  }

  /** Transfers that are not in the recording. */
  get lost(): number {
    return this.budget.lost;
  }

  read(address: number, target: Uint8Array): void {
    if (!this.budget.takes(target.length)) return;
    for (const line of dmaReadLines(this.time(), address, target)) this.write(line);
  }

  wrote(address: number, source: Uint8Array): void {
    if (this.budget.takes(0)) this.write(dmaWriteLine(this.time(), address, source.length, checksum(source)));
  }
}

/** Answers what devices read by DMA from a recording, and compares what they write: guest RAM of machine code is not replayed. */
export class ReplayedTransfers implements DmaObserver {
  /** Transfers that are as recorded; and those that the recording cannot have. */
  same = 0;
  unrecorded = 0;
  private next = 0;
  private readonly budget: DmaBudget;

  /** `limit` is undefined for a recording without transfers, of a version before them. */
  constructor(
    private readonly script: RunScript,
    limit: number | undefined,
  ) {
    this.budget = new DmaBudget(limit ?? -1);
  }

  read(address: number, target: Uint8Array): void {
    if (this.isUnrecorded(target.length)) return;
    const { transfers, bytes } = this.script.run.dma;
    for (let at = 0; at < target.length; at += DmaBytesOnALine) {
      const size = Math.min(DmaBytesOnALine, target.length - at);
      if (!this.isNext(OperationKind.Load, address + at, size)) return;
      const from = transfers.valueHigh[this.next++]!;
      target.set(bytes.subarray(from, from + size), at);
    }
    this.same++;
  }

  wrote(address: number, source: Uint8Array): void {
    if (this.isUnrecorded(0) || !this.isNext(OperationKind.Store, address, source.length)) return;
    const recorded = this.script.run.dma.transfers.valueHigh[this.next++]!;
    if (recorded === Number.parseInt(checksum(source), 16)) this.same++;
    else this.differs(`DMA writes other bytes to ${hex(address)} than recorded (${counted(source.length, 'byte')})`);
  }

  /** The run is at its end: all that was recorded has come, unless the recording was cut off. */
  end(): void {
    const { run } = this.script;
    const left = run.dma.transfers.length - this.next;
    if (left > 0 && run.end !== undefined) this.differs(`DMA: ${counted(left, 'line')} of the recording did not come`);
  }

  private isUnrecorded(bytes: number): boolean {
    if (this.budget.takes(bytes)) return false;
    this.unrecorded++;
    return true;
  }

  private isNext(kind: number, address: number, size: number): boolean {
    const { dma, end } = this.script.run;
    const { transfers } = dma;
    const { next } = this;
    const shown = (what: number, where: number, bytes: number) =>
      `${what === OperationKind.Load ? 'reads' : 'writes'} ${counted(bytes, 'byte')} at ${hex(where)}`;
    if (next === transfers.length) {
      if (end === undefined) this.unrecorded++;
      else this.differs(`DMA ${shown(kind, address, size)}, which is not in the recording`);
      return false;
    }
    const [what, where, bytes] = [transfers.kind[next]!, transfers.address[next]!, transfers.value[next]!];
    if (what === kind && where === address && bytes === size) return true;
    this.differs(`DMA ${shown(kind, address, size)}, and in the recording it ${shown(what, where, bytes)}`);
    return false;
  }

  private differs(what: string): void {
    this.script.differs(Math.max(0, this.script.played - 1), 0, what);
  }
}

function checksum(bytes: Uint8Array): string {
  const digest = new OutputDigest();
  digest.add(bytes);
  return digest.text;
}
