import { Gunzip } from 'fflate';
import { isGzip } from '../base/bytes.ts';
import { BackplaneError, describeThrown } from '../base/errors.ts';
import { crc32, packedTooLarge, type UnpackOptions } from './packed.ts';

/** @see RFC 1952, 2.3 */
const HeaderSize = 10;
/** CRC-32 and length of what was packed. */
const TrailerSize = 8;
/** What is given to the decoder at once: it becomes at most 1,032 times as long. */
const Step = 0x4000;

/**
 * Unpacks one member of gzip, whose last bytes say how long it becomes.
 *
 * @throws BackplaneError `gzip-damaged`, `packed-too-large`
 */
export function unpackGzip(bytes: Uint8Array, options: UnpackOptions): Uint8Array<ArrayBuffer> {
  if (!isGzip(bytes) || bytes.length < HeaderSize + TrailerSize) throw damaged(options, 'it is cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = view.getUint32(bytes.length - 4, true);
  if (size > options.limit) throw packedTooLarge(options);
  const output = new Uint8Array(size);
  let filled = 0;
  const decoder = new Gunzip((chunk) => {
    if (chunk.length > size - filled) throw damaged(options, 'it is longer than its end says');
    output.set(chunk, filled);
    filled += chunk.length;
  });
  try {
    for (let at = 0; at < bytes.length; at += Step) {
      const end = Math.min(at + Step, bytes.length);
      decoder.push(bytes.subarray(at, end), end === bytes.length);
    }
  } catch (cause) {
    if (cause instanceof BackplaneError) throw cause;
    throw damaged(options, describeThrown(cause));
  }
  if (filled !== size) throw damaged(options, 'it is shorter than its end says');
  if (!crc32.matches(output, view, bytes.length - TrailerSize)) throw damaged(options, 'its checksum is wrong');
  return output;
}

const damaged = ({ name }: UnpackOptions, why: string): BackplaneError =>
  new BackplaneError('gzip-damaged', `${name}: it is damaged gzip: ${why}. Get the file again.`);
