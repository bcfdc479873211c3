import { type E820Entry, e820Bytes } from '../e820.ts';
import { BootFlag, HeaderMagic, LoadedHigh, SetupHeader } from './bz-image.ts';

/** @see Linux, Documentation/arch/x86/zero-page.rst */
const Offset = {
  CursorRow: 0x01,
  VideoMode: 0x06,
  Columns: 0x07,
  Lines: 0x0e,
  IsVga: 0x0f,
  CharacterHeight: 0x10,
  E820Entries: 0x1e8,
  E820Table: 0x2d0,
} as const;
export const BootParamsSize = 0x1000;
const UnknownLoader = 0xff;
/** 80 by 25 characters of 9 by 16 dots. */
const TextMode = { number: 3, columns: 80, lines: 25, characterHeight: 16 } as const;

/** Selectors that Linux begins with, and the table behind which they stand. @see Documentation/arch/x86/boot.rst, "32-bit Boot Protocol" */
export const BootSelector = { Code: 0x10, Data: 0x18 } as const;

/** Two empty descriptors, then code and data: 4 GiB from 0 on, of 32 bits. @see Intel SDM volume 3, 3.4.5 */
export const globalDescriptorTable = (): Uint8Array =>
  Uint8Array.of(
    ...[0, 0, 0, 0, 0, 0, 0, 0],
    ...[0, 0, 0, 0, 0, 0, 0, 0],
    ...[0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0],
    ...[0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0],
  );

export interface BootParams {
  /** The header of a bzImage; a plain kernel has none. */
  readonly header?: Uint8Array | undefined;
  readonly map: readonly E820Entry[];
  /** Address of the command line. */
  readonly commandLine: number;
  readonly initrd?: { readonly address: number; readonly size: number } | undefined;
  /** The display adapter shows text in mode 3. */
  readonly isTextScreen: boolean;
}

/** The page that tells Linux about its machine: struct boot_params. */
export function bootParams({ header, map, commandLine, initrd, isTextScreen }: BootParams): Uint8Array {
  const bytes = new Uint8Array(BootParamsSize);
  const view = new DataView(bytes.buffer);
  if (header === undefined) {
    view.setUint16(SetupHeader.BootFlag, BootFlag, true);
    view.setUint32(SetupHeader.Magic, HeaderMagic, true);
    view.setUint8(SetupHeader.LoadFlags, LoadedHigh);
  } else {
    bytes.set(header, SetupHeader.Start);
  }
  view.setUint8(SetupHeader.TypeOfLoader, UnknownLoader);
  view.setUint32(SetupHeader.CommandLine, commandLine, true);
  view.setUint32(SetupHeader.RamdiskImage, initrd?.address ?? 0, true);
  view.setUint32(SetupHeader.RamdiskSize, initrd?.size ?? 0, true);
  view.setUint8(Offset.E820Entries, map.length);
  bytes.set(e820Bytes(map), Offset.E820Table);
  if (isTextScreen) {
    view.setUint8(Offset.CursorRow, 0);
    view.setUint8(Offset.VideoMode, TextMode.number);
    view.setUint8(Offset.Columns, TextMode.columns);
    view.setUint8(Offset.Lines, TextMode.lines);
    view.setUint8(Offset.IsVga, 1);
    view.setUint16(Offset.CharacterHeight, TextMode.characterHeight, true);
  }
  return bytes;
}
