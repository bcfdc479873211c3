import { describeThrown } from '../base/errors.ts';
import type { Device } from '../device/index.ts';
import type { BlockEnd, BlockError } from './block-backend.ts';
import type { BlockImage } from './transport.ts';

/** Between an image of the host and the device that has it. */
export class BlockLine implements BlockEnd {
  owner: Device | undefined;
  /** For `info block`: bytes, and how often it was flushed. */
  readonly counts = { read: 0, written: 0, flushes: 0 };

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

  count(what: 'read' | 'written' | 'flushes', by: number): void {
    this.counts[what] += by;
  }

  close(): void {
    try {
      this.image.close();
    } catch (failure) {
      this.onError(describeThrown(failure));
    }
  }
}
