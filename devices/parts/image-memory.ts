import type { BlockBackend } from '../../sdk/backend.ts';
import { BackplaneError } from '../../sdk/index.ts';

/** Fills `bytes` from the beginning of the image of the device `id`. Throws `image-unreadable`. */
export function readImage(drive: BlockBackend, id: string, bytes: Uint8Array): void {
  const failure = drive.read(0, bytes);
  if (failure === undefined) return;
  throw new BackplaneError(
    'image-unreadable',
    `Device '${id}': back end '${drive.id}' could not be read (${failure}). Check its file.`,
  );
}

/**
 * The bytes of a memory chip, and the image in which they are kept, if the chip has one. What the chip changes is in the image, and
 * flushed, before the guest can see that the change is done. The image is read once: what others change in it later is not seen.
 */
export class ImageMemory {
  constructor(
    private readonly drive: BlockBackend,
    private readonly bytes: Uint8Array,
  ) {}

  get hasImage(): boolean {
    return this.drive.isChosen;
  }

  get isReadOnly(): boolean {
    return this.drive.isReadOnly;
  }

  /** The device `id`, a `part`, gets the bytes of its image. */
  load(id: string, part: string): void {
    const { drive, bytes } = this;
    if (!drive.isChosen) return;
    if (drive.size !== bytes.length) {
      throw new BackplaneError(
        'image-of-wrong-size',
        `Device '${id}': back end '${drive.id}' has ${drive.size} bytes, and a ${part} has ${bytes.length}. Give it an image of that size.`,
      );
    }
    readImage(drive, id, bytes);
  }

  /** Changes bytes, in the image first. False: the host failed, and the chip has not changed. */
  store(start: number, changed: Uint8Array): boolean {
    const { drive } = this;
    if (drive.isChosen && (drive.write(start, changed) ?? drive.flush()) !== undefined) return false;
    this.bytes.set(changed, start);
    return true;
  }

  /** A snapshot has been loaded: the image must hold the same. */
  compare(id: string): void {
    const { drive, bytes } = this;
    if (!drive.isChosen) return;
    const held = new Uint8Array(bytes.length);
    if (drive.read(0, held) === undefined && held.every((byte, at) => byte === bytes[at])) return;
    throw new BackplaneError(
      'image-differs',
      `Device '${id}': back end '${drive.id}' does not hold what it held when the snapshot was saved. Restore the file too.`,
    );
  }
}
