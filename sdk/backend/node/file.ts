import { closeSync, constants, openSync, type Stats, statSync, writeSync } from 'node:fs';
import { BackplaneError } from '../../base/errors.ts';
import { reasonOf } from '../../base/system-errors.ts';
import type { CharHost, CharTransport, OpenableChar } from '../transport.ts';

export interface FileSettings {
  readonly id: string;
  readonly path: string;
  /** Keeps what the file has, and writes behind it. Default: the file begins empty. */
  readonly append?: boolean;
}

/** A file that gets all that the guest writes. Nothing ever arrives from it. */
export function file(settings: FileSettings): OpenableChar {
  return { id: settings.id, type: 'char', kind: 'file', open: () => new OutputFile(settings) };
}

/** Bytes that are collected before they are written. */
const Chunk = 65_536;

class OutputFile implements CharTransport {
  readonly isImmediate = true;
  private readonly descriptor: number;
  private host: CharHost | undefined;
  private waiting: Uint8Array[] = [];
  private count = 0;
  private isClosed = false;

  constructor(private readonly settings: FileSettings) {
    this.descriptor = openOutput(settings);
  }

  start(host: CharHost): void {
    this.host = host;
  }

  write(bytes: Uint8Array): void {
    if (this.isClosed) return;
    if (this.count === 0) process.nextTick(() => this.flush());
    this.waiting.push(bytes);
    this.count += bytes.length;
    if (this.count >= Chunk) this.flush();
  }

  close(): void {
    if (this.isClosed) return;
    this.flush();
    this.isClosed = true;
    closeSync(this.descriptor);
  }

  describe(): string {
    return `${this.settings.path}${this.settings.append === true ? ', append' : ''}`;
  }

  private flush(): void {
    if (this.count === 0 || this.isClosed) return;
    const bytes = Buffer.concat(this.waiting);
    this.waiting = [];
    this.count = 0;
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.descriptor, bytes, done);
    } catch (cause) {
      this.host?.failed(
        `'${this.settings.path}' cannot be written (${reasonOf(cause)}). ${bytes.length} bytes of the guest are lost.`,
      );
    }
  }
}

function openOutput({ id, path, append = false }: FileSettings): number {
  const refusal = (code: string, why: string, cause?: unknown) =>
    new BackplaneError(code, `Back end '${id}' (file): '${path}' ${why}`, { cause });
  let found: Stats | undefined;
  try {
    found = statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw refusal('backend-file-unusable', `cannot be followed (${reasonOf(cause)}). Correct path=.`, cause);
  }
  if (found?.isDirectory() === true)
    throw refusal('backend-file-unusable', 'is a folder. Give the name of a file in it.');
  if (found?.isFIFO() === true)
    throw refusal('backend-file-unusable', 'is a named pipe. Write -chardev pipe instead of file.');
  if (found?.isSocket() === true)
    throw refusal('backend-file-unusable', 'is a socket. Write -chardev socket instead of file.');
  const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC, O_NONBLOCK } = constants;
  try {
    return openSync(path, O_WRONLY | O_CREAT | O_NONBLOCK | (append ? O_APPEND : O_TRUNC), 0o666);
  } catch (cause) {
    throw refusal('backend-file-unusable', `cannot be written (${reasonOf(cause)}). Correct path=.`, cause);
  }
}
