/** CALL and JMP with an offset of 32 bits: 0xe8 and 0xe9. */
const NearBranch = 0xe8;
const OffsetSize = 4;
/** An offset is converted if its top byte is a sign; 25 bits of it count. */
const isSign = (byte: number): boolean => byte === 0 || byte === 0xff;
const signExtended = (offset: number): number => (offset << 7) >> 7;

/**
 * Turns the absolute targets of near branches back into offsets, in place: the BCJ filter for x86. `origin` is the address that the first byte
 * had for the encoder. @see The .xz File Format, section 5.3.2
 */
export function decodeBranches(bytes: Uint8Array, origin: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let last = -1 - OffsetSize;
  // Bit n: the opcode n + 1 bytes before was not converted.
  let kept = 0;
  for (let at = 0; at + OffsetSize < bytes.length; at++) {
    if ((bytes[at]! & 0xfe) !== NearBranch) continue;
    const distance = at - last;
    last = at;
    kept = distance >= OffsetSize ? 0 : (kept << (distance - 1)) & 7;
    // How many bytes before is the first of those.
    const before = 32 - Math.clz32(kept);
    // Where the offset of that one would end within this offset.
    const end = at + OffsetSize - before;
    const isAlone = kept === 0 || (kept === 1 << (before - 1) && !isSign(bytes[end]!));
    if (!isAlone || !isSign(bytes[at + OffsetSize]!)) {
      kept = (kept << 1) | 1;
      continue;
    }
    const next = origin + at + 1 + OffsetSize;
    const inverted = 2 ** (32 - 8 * before) - 1;
    let offset = (view.getInt32(at + 1, true) - next) | 0;
    // That byte must not look like a sign: else the encoder inverted it and what is below.
    if (before > 0 && isSign((offset >>> (24 - 8 * before)) & 0xff)) offset = ((offset ^ inverted) - next) | 0;
    view.setInt32(at + 1, signExtended(offset), true);
    at += OffsetSize;
  }
}
