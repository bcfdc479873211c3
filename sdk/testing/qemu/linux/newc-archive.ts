import { closeSync, openSync, writeFileSync } from 'node:fs';

const Magic = '070701';
const FileType = { regular: 0o100000, folder: 0o040000, link: 0o120000, character: 0o020000 } as const;

/** A plain `newc` archive, which Linux unpacks as an initramfs. @see cpio(5), New ASCII Format */
export class NewcArchive {
  readonly #parts: Uint8Array[] = [];
  readonly #folders = new Set(['']);
  #entries = 0;

  /** A file with its folders. */
  file(path: string, content: Uint8Array | string, mode = 0o644): void {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    this.#makeFolders(path);
    this.#add(path, FileType.regular | mode, bytes);
  }

  link(path: string, target: string): void {
    this.#makeFolders(path);
    this.#add(path, FileType.link | 0o777, Buffer.from(target));
  }

  folder(path: string): void {
    this.#makeFolders(`${path}/`);
  }

  /** A node of a character device. */
  character(path: string, major: number, minor: number): void {
    this.#makeFolders(path);
    this.#add(path, FileType.character | 0o600, new Uint8Array(0), major, minor);
  }

  /** The whole archive, in pieces. */
  finish(): readonly Uint8Array[] {
    this.#add('TRAILER!!!', 0, new Uint8Array(0));
    return this.#parts;
  }

  #makeFolders(path: string): void {
    const names = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= names.length; depth++) {
      const folder = names.slice(0, depth).join('/');
      if (this.#folders.has(folder)) continue;
      this.#folders.add(folder);
      this.#add(folder, FileType.folder | 0o755, new Uint8Array(0));
    }
  }

  #add(path: string, mode: number, content: Uint8Array, major = 0, minor = 0): void {
    const name = Buffer.from(`${path}\0`);
    const fields = [...[++this.#entries, mode, 0, 0, 1, 0, content.length], ...[0, 0, major, minor, name.length, 0]];
    const header = Magic + fields.map((field) => field.toString(16).padStart(8, '0')).join('');
    this.#parts.push(padded(Buffer.concat([Buffer.from(header), name])), padded(content));
  }
}

/** Headers and contents are padded to 4 bytes each. */
function padded(bytes: Uint8Array): Uint8Array {
  return bytes.length % 4 === 0 ? bytes : Buffer.concat([bytes, new Uint8Array(4 - (bytes.length % 4))]);
}

/** Writes an archive into a file. */
export function writePieces(path: string, pieces: readonly Uint8Array[]): void {
  const file = openSync(path, 'w');
  try {
    for (const piece of pieces) writeFileSync(file, piece);
  } finally {
    closeSync(file);
  }
}
