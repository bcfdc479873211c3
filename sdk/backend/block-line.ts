import { describeThrown } from '../base/errors.ts';
import type { Device } from '../device/index.ts';
import type { BlockEnd, BlockError } from './block-backend.ts';
import type { BlockImage } from './transport.ts';

/** Between an image of the host and the device that has it. */
export class BlockLine implements BlockEnd {
  owner: Device | undefined;
  /** For `info block`: bytes, and how often it was flushed. */
  readonly counts = { read: 0, written: 0, flushes: 0 };

  /** What devices have read while the machine was built, and after how many calls: a recording, which begins later, has it too. */
  readonly early = { reads: [] as { readonly offset: number; length: number }[], calls: 0 };
  private isBuilding = true;

  constructor(
    readonly id: string,
    /** A recording puts itself in front of it. */
    public image: BlockImage,
    private readonly onError: (message: string) => void,
  ) {}

  failure(cause: unknown): BlockError {
    this.onError(describeThrown(cause));
    return (cause as { readonly code?: unknown } | null)?.code === 'ENOSPC' ? 'no-space' : 'input-output';
  }

  hasRead(offset: number, length: number): void {
    this.count('read', length);
    if (!this.isBuilding) return;
    const last = this.early.reads.at(-1);
    if (last !== undefined && last.offset + last.length === offset) last.length += length;
    else this.early.reads.push({ offset, length });
  }

  count(what: 'read' | 'written' | 'flushes', by: number): void {
    this.counts[what] += by;
    if (this.isBuilding) this.early.calls++;
  }

  /** The machine is built. */
  start(): void {
    this.isBuilding = false;
  }

  close(): void {
    try {
      this.image.close();
    } catch (failure) {
      this.onError(describeThrown(failure));
    }
  }
}
