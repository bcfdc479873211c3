import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { createGunzip } from 'node:zlib';
import { DefaultTraceSizeLimit, type RecordedTrace, TraceParser } from '../../accelerator/index.ts';
import { isGzip } from '../../base/bytes.ts';
import { BackplaneError } from '../../base/errors.ts';
import { systemCodeOf } from '../../base/system-errors.ts';

export interface ReadTraceOptions {
  /** How messages call it; the file's name unless said otherwise. */
  readonly name?: string;
  /** Bytes of text, after decompression: 256 MiB unless said otherwise. */
  readonly sizeLimit?: number;
}

/**
 * Reads a recording from a file, plain or gzip, as a stream: what is too long is refused before it fills the memory.
 */
export async function readTrace(path: string, options: ReadTraceOptions = {}): Promise<RecordedTrace> {
  const name = options.name ?? basename(path);
  const parser = new TraceParser(name, options.sizeLimit ?? DefaultTraceSizeLimit);
  try {
    for await (const chunk of textIn(name, path)) parser.push(chunk);
  } catch (cause) {
    if (cause instanceof BackplaneError) throw cause;
    // A process that was killed while it recorded leaves a piece of a last block.
    if (!parser.isRun || systemCodeOf(cause) !== 'Z_BUF_ERROR') throw unreadable(name, path, parser.accesses, cause);
  }
  return parser.end();
}

/** The text of a recording piece by piece, however long it is. It ends where gzip data that was cut off ends. */
export async function* recordingText(path: string, name: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* textIn(name, path);
  } catch (cause) {
    if (cause instanceof BackplaneError) throw cause;
    if (systemCodeOf(cause) !== 'Z_BUF_ERROR') throw unreadable(name, path, 0, cause);
  }
}

async function* textIn(name: string, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const isCompressed = await beginsAsGzip(path);
  const file = createReadStream(path);
  const gunzip = isCompressed ? file.pipe(createGunzip()) : undefined;
  const text = gunzip ?? file;
  file.once('error', (cause) => text.destroy(cause));
  try {
    yield* text as AsyncIterable<Uint8Array>;
  } finally {
    file.destroy();
  }
  if (gunzip !== undefined) await checkPadding(name, path, gunzip.bytesWritten);
}

async function beginsAsGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const start = new Uint8Array(2);
    await file.read(start, 0, 2, 0);
    return isGzip(start);
  } finally {
    await file.close();
  }
}

/** Zeros behind the end of gzip data are padding, which ends the text. What follows them would be lost in silence. */
async function checkPadding(name: string, path: string, end: number): Promise<void> {
  for await (const chunk of createReadStream(path, { start: end }) as AsyncIterable<Uint8Array>) {
    if (chunk.some((byte) => byte !== 0)) throw trailingBytes(name);
  }
}

function trailingBytes(name: string, cause?: unknown): BackplaneError {
  return new BackplaneError(
    'trace-damaged',
    `Trace '${name}': bytes that are no gzip data follow its end. Copy the file again.`,
    {
      cause,
    },
  );
}

function unreadable(name: string, path: string, accesses: number, cause: unknown): BackplaneError {
  const code = systemCodeOf(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  if (code === 'ENOENT') {
    const why = `Trace '${name}': there is no file '${path}'. Give the path of a recording.`;
    return new BackplaneError('file-not-found', why, { cause });
  }
  if (code === 'Z_BUF_ERROR') {
    return new BackplaneError(
      'trace-truncated',
      `Trace '${name}': its gzip data ends too early, after ${accesses} accesses. The file is truncated: copy it again.`,
      { cause },
    );
  }
  // The file begins as gzip: what is no header stands behind its end.
  if (code === 'Z_DATA_ERROR' && message === 'incorrect header check') {
    return trailingBytes(name, cause);
  }
  if (code.startsWith('Z_')) {
    return new BackplaneError(
      'trace-damaged',
      `Trace '${name}': its gzip data is corrupt after ${accesses} accesses (${message}). Copy the file again.`,
      { cause },
    );
  }
  const why = `Trace '${name}': '${path}' cannot be read (${message}). Check the file and its permissions.`;
  return new BackplaneError('file-not-readable', why, { cause });
}
