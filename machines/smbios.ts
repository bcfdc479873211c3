import { littleEndian } from './little-endian.ts';

/**
 * Tables of SMBIOS 2.8 that describe a board to its firmware: system, chassis, processor, memory.
 *
 * @see DMTF DSP0134 2.8, 7 "Structure definitions", types 1, 3, 4, 16, 17, 19, 32 and 127
 * @see QEMU 7.2, hw/smbios/smbios.c, smbios_get_tables: SeaBIOS adds type 0, places the tables and fills in the checksums
 */

/** What the tables say. */
export interface SmbiosBoard {
  readonly manufacturer: string;
  readonly product: string;
  readonly version: string;
  /** EAX and EDX of CPUID leaf 1. */
  readonly processorId: readonly [eax: number, edx: number];
  /** RAM by guest physical address, in bytes. */
  readonly ram: readonly { readonly start: number; readonly size: number }[];
}

const Handle = {
  System: 0x100,
  Chassis: 0x300,
  Processor: 0x400,
  Array: 0x1000,
  Module: 0x1100,
  Range: 0x1300,
} as const;
const LargestModule = 16 * 2 ** 30;
const Unknown16 = 0xffff;
const NoError = 0xfffe;

type Field = readonly [bytes: 1 | 2 | 4, value: number];
const byte = (...values: number[]): Field[] => values.map((value) => [1, value]);
const word = (...values: number[]): Field[] => values.map((value) => [2, value]);
const dword = (...values: number[]): Field[] => values.map((value) => [4, value]);

/** Type, length, handle and fields, then the strings, to which fields refer by number. */
function structure(type: number, handle: number, fields: readonly Field[], ...strings: string[]): Uint8Array {
  const length = 4 + fields.reduce((sum, [bytes]) => sum + bytes, 0);
  const all: Field[] = [...byte(type, length), ...word(handle), ...fields];
  const numbers = all.flatMap(([bytes, value]) => [...littleEndian(value, bytes)]);
  const text = strings.length === 0 ? '\0\0' : `${strings.join('\0')}\0\0`;
  return Uint8Array.from([...numbers, ...new TextEncoder().encode(text)]);
}

function processor({ manufacturer, version, processorId }: SmbiosBoard): Uint8Array {
  const fields = [
    // A central processor of another family, 2,000 MHz, enabled, in a socket of another kind.
    ...[...byte(1, 3, 1, 2), ...dword(...processorId), ...byte(3, 0), ...word(0, 2000, 2000), ...byte(0x41, 1)],
    // No caches are described. One core, one thread.
    ...[...word(Unknown16, Unknown16, Unknown16), ...byte(0, 0, 0, 1, 1, 1), ...word(2, 1)],
  ];
  return structure(4, Handle.Processor, fields, 'CPU 0', manufacturer, version);
}

/** The array, its modules of up to 16 GiB, and where their bytes are. */
function memory({ manufacturer, ram }: SmbiosBoard): Uint8Array[] {
  const total = ram.reduce((sum, { size }) => sum + size, 0);
  const modules = Math.max(1, Math.ceil(total / LargestModule));
  const array = [...byte(1, 3, 6), ...dword(total / 1024), ...word(NoError, modules), ...dword(0, 0)];
  const sizes = Array.from({ length: modules }, (_, at) => Math.min(LargestModule, total - at * LargestModule));
  return [
    structure(16, Handle.Array, array),
    ...sizes.map((size, at) => {
      const place = [...word(Handle.Array, NoError, Unknown16, Unknown16, size / 2 ** 20), ...byte(9, 0, 1, 0, 7)];
      const kind = [...word(2, 0), ...byte(2, 0, 0, 0, 0), ...dword(0), ...word(0, 0, 0, 0)];
      return structure(17, Handle.Module + at, [...place, ...kind], `DIMM ${at}`, manufacturer);
    }),
    ...ram.map(({ start, size }, at) => {
      const range = [...dword(start / 1024, (start + size) / 1024 - 1), ...word(Handle.Array), ...byte(1)];
      return structure(19, Handle.Range + at, [...range, ...dword(0, 0, 0, 0)]);
    }),
  ];
}

/** `tables` lie wherever the firmware puts them, and then `anchor` says where. */
export function smbiosOf(board: SmbiosBoard): { readonly anchor: Uint8Array; readonly tables: Uint8Array } {
  const { manufacturer, product, version } = board;
  const structures = [
    structure(
      1,
      Handle.System,
      [...byte(1, 2, 3, 0), ...dword(0, 0, 0, 0), ...byte(6, 0, 0)],
      ...[manufacturer, product, version],
    ),
    structure(
      3,
      Handle.Chassis,
      [...byte(1, 1, 2, 0, 0, 3, 3, 3, 2), ...dword(0), ...byte(0, 0, 0, 0, 0)],
      ...[manufacturer, version],
    ),
    processor(board),
    ...memory(board),
    structure(32, 0x2000, [...byte(0, 0, 0, 0, 0, 0), ...byte(0)]),
    structure(127, 0x7f00, []),
  ];
  const tables = Uint8Array.from(structures.flatMap((one) => [...one]));
  const largest = Math.max(...structures.map(({ length }) => length));
  return { anchor: anchorOf(tables.length, largest, structures.length), tables };
}

/** @see DMTF DSP0134 2.8, 5.2.1 "SMBIOS 2.1 (32-bit) Entry Point" */
function anchorOf(length: number, largest: number, count: number): Uint8Array {
  const anchor = new Uint8Array(31);
  const view = new DataView(anchor.buffer);
  const text = (at: number, characters: string) => anchor.set(new TextEncoder().encode(characters), at);
  text(0, '_SM_');
  anchor.set([anchor.length, 2, 8], 5);
  view.setUint16(8, largest, true);
  text(16, '_DMI_');
  view.setUint16(22, length, true);
  view.setUint16(28, count, true);
  anchor[30] = 0x28;
  return anchor;
}
