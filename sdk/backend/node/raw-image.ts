import { type BigIntStats, closeSync, constants, fstatSync, fsyncSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { BackplaneError } from '../../base/errors.ts';
import { reasonOf, systemCodeOf } from '../../base/system-errors.ts';
import type { BlockImage, OpenableDisk } from '../transport.ts';
import { lockImage } from './image-lock.ts';
import { Overlay, readAll, writeAll } from './overlay.ts';

export interface RawImageSettings {
  readonly id: string;
  readonly file: string;
  /** Writes of the guest are refused. Default: false. */
  readonly readonly?: boolean;
  /** The file stays as it is, and what the guest writes is forgotten at the end. Default: false. */
  readonly snapshot?: boolean;
}

/**
 * A file whose bytes are the disk's. It is locked while it is open, and its size stays. With `snapshot` what is written goes to a temporary
 * file without a name.
 */
export function rawImage(settings: RawImageSettings): OpenableDisk {
  return { id: settings.id, type: 'block', kind: 'raw', open: () => openImage(settings) };
}

async function openImage(settings: RawImageSettings): Promise<RawImage> {
  const { id, file, readonly: isReadOnly = false, snapshot = false } = settings;
  const refusal = (code: string, why: string, cause?: unknown) =>
    new BackplaneError(code, `Back end '${id}' (raw): '${file}' ${why}`, { cause });
  const mayWrite = !isReadOnly && !snapshot;
  const descriptor = openFile(file, mayWrite, refusal);
  try {
    const found = fstatSync(descriptor, { bigint: true });
    checkImage(found, refusal);
    const lock = await lockImage(found, mayWrite ? 'exclusive' : 'shared');
    if ('lockedBy' in lock)
      throw refusal('image-locked', `is in use by ${lock.lockedBy}. End that, or give both readonly=on.`);
    try {
      return new RawImage(settings, descriptor, Number(found.size), lock.unlock);
    } catch (cause) {
      lock.unlock();
      const why = `needs a temporary file for snapshot=on, and '${tmpdir()}' takes none (${reasonOf(cause)}). Set TMPDIR.`;
      throw refusal('image-unusable', why, cause);
    }
  } catch (failure) {
    closeSync(descriptor);
    throw failure;
  }
}

type Refusal = (code: string, why: string, cause?: unknown) => BackplaneError;

function openFile(file: string, mayWrite: boolean, refusal: Refusal): number {
  const { O_RDWR, O_RDONLY, O_NONBLOCK } = constants;
  try {
    // Without O_NONBLOCK a named pipe would wait for its other side.
    return openSync(file, (mayWrite ? O_RDWR : O_RDONLY) | O_NONBLOCK);
  } catch (cause) {
    const code = systemCodeOf(cause);
    if (code === 'ENOENT')
      throw refusal('image-not-found', `is not there. Correct file=, or make it: truncate -s 1M '${file}'.`, cause);
    if (code === 'EISDIR') throw refusal('image-unusable', 'is a folder. Give the name of a file.', cause);
    const advice =
      mayWrite && code !== 'ENOTDIR' ? ' Add readonly=on, or give yourself permission.' : ' Correct file=.';
    throw refusal('image-unusable', `cannot be opened (${reasonOf(cause)}).${advice}`, cause);
  }
}

function checkImage(found: BigIntStats, refusal: Refusal): void {
  if (found.isDirectory()) throw refusal('image-unusable', 'is a folder. Give the name of a file.');
  if (!found.isFile()) throw refusal('image-unusable', 'is not a regular file. Copy the disk into a file first.');
  if (found.size === 0n) throw refusal('image-unusable', 'is empty. Give it the size of the disk: truncate -s 1M.');
  if (found.size > BigInt(Number.MAX_SAFE_INTEGER)) throw refusal('image-unusable', 'is too large for a disk.');
}

class RawImage implements BlockImage {
  readonly isReadOnly: boolean;
  private readonly overlay: Overlay | undefined;
  private isOpen = true;

  constructor(
    private readonly settings: RawImageSettings,
    private readonly descriptor: number,
    readonly size: number,
    private readonly unlock: () => void,
  ) {
    this.isReadOnly = settings.readonly === true;
    if (settings.snapshot === true && !this.isReadOnly)
      this.overlay = new Overlay(size, (offset, target) => readAll(descriptor, offset, target));
  }

  read(offset: number, target: Uint8Array): void {
    this.attempt('read', () => {
      if (this.overlay === undefined) readAll(this.descriptor, offset, target);
      else this.overlay.read(offset, target);
    });
  }

  write(offset: number, source: Uint8Array): void {
    this.attempt('written', () => {
      if (this.overlay !== undefined) return this.overlay.write(offset, source);
      // A write behind the end would make a file that has shrunk larger again.
      const { size } = fstatSync(this.descriptor);
      if (offset + source.length > size)
        throw new Error(`it has ${size} bytes now, and had ${this.size}: it has shrunk`);
      writeAll(this.descriptor, offset, source);
    });
  }

  flush(): void {
    if (this.overlay === undefined && !this.isReadOnly) this.attempt('flushed', () => fsyncSync(this.descriptor));
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.overlay?.close();
    closeSync(this.descriptor);
    this.unlock();
  }

  describe(): string {
    const { file, readonly: isReadOnly, snapshot } = this.settings;
    return `${file}, raw${isReadOnly === true ? ', read-only' : ''}${snapshot === true ? ', snapshot' : ''}`;
  }

  /** Failures name the file. They keep the code of the system, by which a full disk is known. */
  private attempt(what: string, work: () => void): void {
    try {
      work();
    } catch (cause) {
      const code = systemCodeOf(cause) === 'EDQUOT' ? 'ENOSPC' : systemCodeOf(cause);
      const message = `'${this.settings.file}' cannot be ${what} (${reasonOf(cause)}). The guest gets an error.`;
      throw Object.assign(new Error(message, { cause }), code === '' ? {} : { code });
    }
  }
}
