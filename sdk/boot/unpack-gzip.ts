import { Inflate } from 'fflate';
import { isGzip } from '../base/bytes.ts';
import { BackplaneError, describeThrown } from '../base/errors.ts';
import { crc32, packedTooLarge, type UnpackOptions } from './packed.ts';

/** @see RFC 1952, 2.3 */
const HeaderSize = 10;
const FlagsAt = 3;
const Flag = { HeaderSum: 0x02, Extra: 0x04, Name: 0x08, Comment: 0x10 } as const;
/** CRC-32 and length of what was packed. */
const TrailerSize = 8;
/** What is given to the decoder at once: it becomes at most 1,032 times as long. */
const Step = 0x4000;
/** A stored block is decoded when it is there, in 64 KiB and 5 bytes. Behind the last block no step gives a byte. */
const MostIdleSteps = 8;

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
  const packedEnd = bytes.length - TrailerSize;
  let [filled, idle] = [0, 0];
  const decoder = new Inflate((chunk) => {
    if (chunk.length > size - filled) throw damaged(options, 'it is longer than its end says');
    output.set(chunk, filled);
    filled += chunk.length;
  });
  try {
    for (let at = endOfHeader(bytes), end = 0; end < packedEnd; at = end) {
      end = Math.min(at + Step, packedEnd);
      const before = filled;
      decoder.push(bytes.subarray(at, end), end === packedEnd);
      idle = filled > before ? 0 : idle + 1;
      if (idle > MostIdleSteps) throw damaged(options, 'it goes on behind its last block');
    }
  } catch (cause) {
    if (cause instanceof BackplaneError) throw cause;
    throw damaged(options, describeThrown(cause));
  }
  if (filled !== size) throw damaged(options, 'it is shorter than its end says');
  if (!crc32.matches(output, view, bytes.length - TrailerSize)) throw damaged(options, 'its checksum is wrong');
  return output;
}

/** Where what is packed begins: behind the parts that its flags announce. */
function endOfHeader(bytes: Uint8Array): number {
  const flags = bytes[FlagsAt]!;
  let at = HeaderSize;
  if (flags & Flag.Extra) at += 2 + bytes[at]! + 256 * bytes[at + 1]!;
  // Without its zero a text ends with the file.
  for (const text of [Flag.Name, Flag.Comment]) if (flags & text) at = bytes.indexOf(0, at) + 1 || bytes.length;
  return at + (flags & Flag.HeaderSum ? 2 : 0);
}

const damaged = ({ name }: UnpackOptions, why: string): BackplaneError =>
  new BackplaneError('gzip-damaged', `${name}: it is damaged gzip: ${why}. Get the file again.`);
