import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';

/** @see System V ABI, chapter 4, ELF header */
const Header = { Class: 4, Data: 5, Type: 16, Machine: 18, Entry: 24, Segments: 28, SegmentSize: 42, SegmentCount: 44 };
const HeaderSize = 52;
const Class32 = 1;
const LittleEndian = 1;
const Executable = 2;
const Intel386 = 3;
const Amd64 = 62;
/** @see System V ABI, chapter 5, program header */
const Segment = { Type: 0, Offset: 4, VirtualAddress: 8, PhysicalAddress: 12, FileSize: 16, MemorySize: 20 };
const SegmentSize = 32;
const Load = 1;
const MostSegments = 1000;

/** Bytes of a program, and zeroes behind them. */
export interface ElfSegment {
  readonly physicalAddress: number;
  readonly virtualAddress: number;
  readonly bytes: Uint8Array;
  /** With the zeroes. */
  readonly memorySize: number;
}

export interface Elf32 {
  readonly entry: number;
  /** Those that are loaded, in the order of the file. */
  readonly segments: readonly ElfSegment[];
}

export const isElf = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

/**
 * Reads an executable of 32 bits for x86: no relocatable one, and no shared object.
 *
 * @throws BackplaneError `elf-machine` for another processor or 64 bits, `elf-damaged`
 */
export function readElf32(name: string, bytes: Uint8Array): Elf32 {
  const damaged = (why: string): BackplaneError =>
    new BackplaneError('elf-damaged', `${name}: it is a damaged ELF file: ${why}. Get the file again.`);
  if (!isElf(bytes) || bytes.length < HeaderSize) throw damaged('its header is cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const machine = view.getUint16(Header.Machine, true);
  const is32 = bytes[Header.Class] === Class32 && bytes[Header.Data] === LittleEndian && machine === Intel386;
  if (!is32 || view.getUint16(Header.Type, true) !== Executable) {
    const why = machine === Amd64 ? 'it has code of 64 bits' : 'it is no executable for x86 of 32 bits';
    throw new BackplaneError(
      'elf-machine',
      `${name}: ${why}. Build it with '-m32 -static', and link it at fixed addresses.`,
    );
  }
  const table = view.getUint32(Header.Segments, true);
  const size = view.getUint16(Header.SegmentSize, true);
  const count = view.getUint16(Header.SegmentCount, true);
  if (size < SegmentSize || count > MostSegments) throw damaged(`it has ${count} program headers of ${size} bytes`);
  if (table + count * size > bytes.length) throw damaged('its program headers are cut off');
  const segments: ElfSegment[] = [];
  for (let at = table; at < table + count * size; at += size) {
    const field = (offset: number): number => view.getUint32(at + offset, true);
    const memorySize = field(Segment.MemorySize);
    if (field(Segment.Type) !== Load || memorySize === 0) continue;
    const [offset, fileSize] = [field(Segment.Offset), field(Segment.FileSize)];
    const physicalAddress = field(Segment.PhysicalAddress);
    if (offset + fileSize > bytes.length || fileSize > memorySize)
      throw damaged(`the file has not the ${fileSize} bytes of the segment at ${hex(physicalAddress)}`);
    const content = bytes.subarray(offset, offset + fileSize);
    segments.push({ physicalAddress, virtualAddress: field(Segment.VirtualAddress), bytes: content, memorySize });
  }
  if (segments.length === 0) throw damaged('it has nothing to load');
  return { entry: view.getUint32(Header.Entry, true), segments };
}
