import { gzipSync } from 'fflate';

const KiB = 1024;
export const MiB = KiB * KiB;

export interface SegmentOfElf {
  readonly physical: number;
  readonly virtual?: number;
  readonly bytes: Uint8Array;
  readonly memorySize?: number;
  /** Default: PT_LOAD. */
  readonly type?: number;
}

/** An executable of 32 bits for x86, with its program headers behind its own. */
export function elf32(entry: number, segments: readonly SegmentOfElf[]): Uint8Array<ArrayBuffer> {
  const start = 52 + 32 * segments.length;
  const size = segments.reduce((sum, { bytes }) => sum + bytes.length, start);
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 3, true);
  view.setUint32(24, entry, true);
  view.setUint32(28, 52, true);
  view.setUint16(42, 32, true);
  view.setUint16(44, segments.length, true);
  let at = start;
  segments.forEach(({ physical, virtual = physical, bytes, memorySize = bytes.length, type = 1 }, index) => {
    [type, at, virtual, physical, bytes.length, memorySize].forEach((value, field) => {
      view.setUint32(52 + 32 * index + 4 * field, value, true);
    });
    file.set(bytes, at);
    at += bytes.length;
  });
  return file;
}

export interface BzImageOfTest {
  readonly payload?: Uint8Array;
  readonly version?: number;
  readonly loadFlags?: number;
  readonly extendedLoadFlags?: number;
  readonly commandLineSize?: number;
  readonly ramdiskMax?: number;
  readonly preferredAddress?: number;
  readonly initSize?: number;
}

/** Where the payload stands in the code that unpacks it. */
const PayloadOffset = 0x40;
export const unpacker = Uint8Array.from({ length: PayloadOffset }, (_, at) => 0xf4 - at);
const SetupSectors = 3;
export const SetupSize = (SetupSectors + 1) * 512;

/** A kernel in the format bzImage around a payload. */
export function bzImage(options: BzImageOfTest = {}): Uint8Array<ArrayBuffer> {
  const { payload = new Uint8Array(0), version = 0x20f, loadFlags = 1, extendedLoadFlags = 4 } = options;
  const { commandLineSize = 2047, ramdiskMax = 0x7fff_ffff, preferredAddress = 16 * MiB, initSize = MiB } = options;
  const systemSize = Math.ceil((PayloadOffset + payload.length) / 16) * 16;
  const file = new Uint8Array(SetupSize + systemSize);
  const view = new DataView(file.buffer);
  file[0x1f1] = SetupSectors;
  view.setUint32(0x1f4, systemSize / 16, true);
  view.setUint16(0x1fe, 0xaa55, true);
  file.set([0xeb, 0x6a, 0x48, 0x64, 0x72, 0x53], 0x200);
  view.setUint16(0x206, version, true);
  file[0x211] = loadFlags;
  view.setUint32(0x22c, ramdiskMax, true);
  view.setUint16(0x236, extendedLoadFlags, true);
  view.setUint32(0x238, commandLineSize, true);
  view.setUint32(0x248, PayloadOffset, true);
  view.setUint32(0x24c, payload.length, true);
  view.setBigUint64(0x258, BigInt(preferredAddress), true);
  view.setUint32(0x260, initSize, true);
  file.set(unpacker, SetupSize);
  file.set(payload, SetupSize + PayloadOffset);
  return file;
}

export const kernelCode = Uint8Array.from({ length: 300 }, (_, at) => (at * 7) & 0xff);

/** A kernel of two segments, linked as Linux is: code at 16 MiB, and data with zeroes behind it. */
export const vmlinux = (): Uint8Array<ArrayBuffer> =>
  elf32(16 * MiB, [
    { physical: 16 * MiB, virtual: 0xc100_0000, bytes: kernelCode },
    { physical: 16 * MiB + 0x1000, virtual: 0xc100_1000, bytes: Uint8Array.of(1, 2, 3), memorySize: 0x800 },
    { physical: 0, bytes: Uint8Array.of(9), type: 4 },
  ]);

export const gzipped = (bytes: Uint8Array): Uint8Array => gzipSync(bytes, { mtime: 0 });

export interface MultibootOfTest {
  readonly flags: number;
  readonly checksum?: number;
  /** header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr, mode_type. */
  readonly fields?: readonly number[];
}

/** The header of a Multiboot image. */
export function multibootHeader({
  flags,
  checksum = -(0x1bad_b002 + flags),
  fields = [],
}: MultibootOfTest): Uint8Array {
  const words = [0x1bad_b002, flags, checksum, ...fields];
  const bytes = new Uint8Array(4 * words.length);
  words.forEach((value, index) => {
    new DataView(bytes.buffer).setUint32(4 * index, value, true);
  });
  return bytes;
}

/** The guest's memory behind the pieces, as bytes. */
export function memoryOf(
  { pieces }: { readonly pieces: readonly { readonly address: number; readonly bytes: Uint8Array }[] },
  address: number,
  size: number,
): Uint8Array {
  const memory = new Uint8Array(size).fill(0xcc);
  for (const piece of pieces) {
    const from = Math.max(piece.address, address);
    const to = Math.min(piece.address + piece.bytes.length, address + size);
    if (from < to) memory.set(piece.bytes.subarray(from - piece.address, to - piece.address), from - address);
  }
  return memory;
}

export const textAt = (code: Parameters<typeof memoryOf>[0], address: number): string => {
  const bytes = memoryOf(code, address, 5000);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
};

export const wordAt = (code: Parameters<typeof memoryOf>[0], address: number): number =>
  new DataView(memoryOf(code, address, 4).buffer).getUint32(0, true);
