import { LzmaDecoder } from './lzma.ts';
import { RangeDecoder } from './range-decoder.ts';

/** The first byte of a chunk. @see LZMA2 in the LZMA SDK, and The .xz File Format, section 5.3.1 */
const Control = {
  End: 0,
  CopyAfterReset: 1,
  Copy: 2,
  Lzma: 0x80,
  ResetState: 0xa0,
  NewProperties: 0xc0,
  ResetAll: 0xe0,
};

/** Why a block cannot be decoded. The caller knows how to name it. */
export class DamagedBlock extends Error {}

/**
 * Decodes the chunks from `at` on into `output`, which must become full exactly; answers where their end is. `dictionarySize` bounds the
 * distance of matches. @throws DamagedBlock
 */
export function decodeLzma2(input: Uint8Array, at: number, output: Uint8Array, dictionarySize: number): number {
  const range = new RangeDecoder(input);
  const lzma = new LzmaDecoder(range, output, dictionarySize);
  let [needsDictionary, needsProperties] = [true, true];
  const demand = (isSo: boolean, why: string): void => {
    if (!isSo) throw new DamagedBlock(why);
  };
  const byte = (): number => {
    demand(at < input.length, 'it ends within a chunk');
    return input[at++]!;
  };
  const size16 = (): number => ((byte() << 8) | byte()) + 1;
  for (let control = byte(); control !== Control.End; control = byte()) {
    if (control === Control.CopyAfterReset || control >= Control.ResetAll) {
      needsDictionary = false;
      needsProperties = true;
      lzma.start = lzma.at;
    }
    demand(!needsDictionary, 'its first chunk does not begin a dictionary');
    const isStored = control < Control.Lzma;
    demand(!isStored || control <= Control.Copy, 'a chunk is of no known kind');
    const size = (isStored ? 0 : (control & 0x1f) << 16) + size16();
    const packed = isStored ? size : size16();
    if (control >= Control.NewProperties) {
      needsProperties = false;
      demand(lzma.setProperties(byte()), 'its properties are none of LZMA2');
    }
    if (control >= Control.ResetState) lzma.reset();
    demand(isStored || !needsProperties, 'a chunk needs properties that were not given');
    demand(packed <= input.length - at, 'it ends within a chunk');
    demand(size <= output.length - lzma.at, 'it is longer than its index says');
    const end = at + packed;
    if (isStored) lzma.store(input.subarray(at, end));
    else demand(range.begin(at) && lzma.decode(lzma.at + size) && range.endsAt(end), 'a chunk is damaged');
    at = end;
  }
  demand(lzma.at === output.length, 'it is shorter than its index says');
  return at;
}
