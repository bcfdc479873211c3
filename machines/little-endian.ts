/** The `bytes` lowest bytes of a whole number, the lowest first. Negative numbers have 32 bits. */
export function littleEndian(value: number, bytes: number): Uint8Array {
  const unsigned = value < 0 ? value + 2 ** 32 : value;
  return Uint8Array.from({ length: bytes }, (_, at) => Math.floor(unsigned / 0x100 ** at) & 0xff);
}
