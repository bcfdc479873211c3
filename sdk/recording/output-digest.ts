/** A checksum of the bytes that a guest has sent, which grows with them. FNV-1a, 32 bits. */
export class OutputDigest {
  count = 0;
  private sum = 0x811c_9dc5;

  add(bytes: Uint8Array): void {
    let { sum } = this;
    for (let at = 0; at < bytes.length; at++) sum = Math.imul(sum ^ bytes[at]!, 0x0100_0193);
    this.sum = sum;
    this.count += bytes.length;
  }

  /** Eight digits in hex. */
  get text(): string {
    return (this.sum >>> 0).toString(16).padStart(8, '0');
  }
}

/** A checksum of a recording: of so many bytes. */
export interface Checkpoint {
  readonly count: number;
  readonly text: string;
}

/** Compares what a replayed guest sends with the checksums of its recording. */
export class CheckedOutput {
  readonly digest = new OutputDigest();
  /** Checksums that were reached, and how many of them were the same. */
  checked = 0;
  agreed = 0;
  /** The first bytes, as many as are kept. */
  readonly kept: number[] = [];

  /** The checksums in the order of their counts. */
  constructor(
    private readonly checkpoints: readonly Checkpoint[],
    private readonly keep: number,
  ) {}

  /** All checksums were reached, and nothing was sent behind the last one. */
  get isSame(): boolean {
    const last = this.checkpoints.at(-1)?.count ?? 0;
    return this.agreed === this.checkpoints.length && this.digest.count === last;
  }

  /** Bytes that the recorded guest has sent. */
  get recorded(): number {
    return this.checkpoints.at(-1)?.count ?? 0;
  }

  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && this.kept.length < this.keep; at++) this.kept.push(bytes[at]!);
    let from = 0;
    for (;;) {
      const next = this.checkpoints[this.checked];
      const here = next === undefined ? Number.POSITIVE_INFINITY : next.count - this.digest.count;
      const to = Math.min(bytes.length, from + Math.max(0, here));
      this.digest.add(bytes.subarray(from, to));
      from = to;
      if (next === undefined || this.digest.count < next.count) return;
      this.checked++;
      if (next.text === this.digest.text) this.agreed++;
    }
  }
}
