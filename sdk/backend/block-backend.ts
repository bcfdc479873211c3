import { BackendPart } from '../device/part.ts';
import { state } from '../state/schema.ts';
import { contradiction } from './char-backend.ts';
import type { BlockImage } from './transport.ts';

/** Why a block operation failed. The device tells its guest as the chip does. */
export type BlockError = 'out-of-range' | 'read-only' | 'input-output' | 'no-space';

/** The machine's end of a block back end. */
export interface BlockEnd {
  readonly image: BlockImage;
  /** The host failed: the user is told, and the guest gets the answer. */
  failure(cause: unknown): BlockError;
  hasRead(offset: number, length: number): void;
  /** Something else was done, for `info block`. */
  count(what: 'written' | 'flushes', by: number): void;
}

/**
 * A block back end as the device that has it sees it: `options({ drive: option.backend(BlockBackend, {...}) })`. The
 * constructor always gets one; without a back end behind it the size is 0.
 */
export class BlockBackend extends BackendPart {
  static readonly backendType = 'block';

  /** Bytes of the image, for snapshots: what the guest knows of it fits no other size. */
  @state private imageSize = 0;
  private end: BlockEnd | undefined;

  /** A machine or a bench makes it. `id` is the name of its back end; '' without one. */
  constructor(readonly id = '') {
    super();
  }

  /** There is a back end behind it. */
  get isChosen(): boolean {
    return this.end !== undefined;
  }

  /** Bytes, as when it was opened; 0 without a back end. */
  get size(): number {
    return this.end?.image.size ?? 0;
  }

  get isReadOnly(): boolean {
    return this.end?.image.isReadOnly ?? false;
  }

  /** Fills `target` with what is at `offset`, in bytes. Undefined: it is done. */
  read(offset: number, target: Uint8Array): BlockError | undefined {
    const { end } = this;
    if (end === undefined || !this.holds(offset, target.length)) return 'out-of-range';
    try {
      end.image.read(offset, target);
      end.hasRead(offset, target.length);
      return undefined;
    } catch (cause) {
      return end.failure(cause);
    }
  }

  /** Puts `source` at `offset`, in bytes. It need not be on the disk before `flush` has returned. */
  write(offset: number, source: Uint8Array): BlockError | undefined {
    const { end } = this;
    if (end === undefined || !this.holds(offset, source.length)) return 'out-of-range';
    if (end.image.isReadOnly) return 'read-only';
    try {
      end.image.write(offset, source);
      end.count('written', source.length);
      return undefined;
    } catch (cause) {
      return end.failure(cause);
    }
  }

  /** Undefined: all that was written before is on the disk. */
  flush(): BlockError | undefined {
    const { end } = this;
    if (end === undefined) return undefined;
    try {
      end.image.flush();
      end.count('flushes', 1);
      return undefined;
    } catch (cause) {
      return end.failure(cause);
    }
  }

  /** @internal */
  attachTo(end: BlockEnd | undefined): void {
    this.end = end;
    this.imageSize = this.size;
  }

  /** Refuses a snapshot of a device with another image. */
  onStateLoaded(): void {
    const { imageSize: saved, size } = this;
    this.imageSize = size;
    if (saved === size) return;
    const problem = `was saved with an image of ${saved} bytes, and this one has ${size}. Give it the image with which it was saved`;
    throw contradiction(this.id, { path: 'imageSize', problem });
  }

  private holds(offset: number, length: number): boolean {
    return Number.isSafeInteger(offset) && offset >= 0 && offset + length <= this.size;
  }
}
