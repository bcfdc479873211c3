import { type E820Entry, E820EntrySize, ExtendedMemory, e820Bytes } from '../e820.ts';

/** @see Multiboot Specification 0.6.96, 3.3, "Boot information format" */
const Flags = { Memory: 0x1, CommandLine: 0x4, Modules: 0x8, Map: 0x40, LoaderName: 0x200, Screen: 0x1000 } as const;
const Info = {
  Flags: 0,
  LowMemory: 4,
  HighMemory: 8,
  CommandLine: 16,
  ModuleCount: 20,
  Modules: 24,
  MapLength: 44,
  Map: 48,
  LoaderName: 64,
  ScreenAddress: 88,
  ScreenPitch: 96,
  ScreenColumns: 100,
  ScreenRows: 104,
  ScreenBits: 108,
  ScreenType: 109,
};
const InfoSize = 116;
/** Of a module: start, end, and the address of its string. */
const ModuleSize = 16;
/** Each entry of the map has its own size before it. */
const MapEntrySize = 4 + E820EntrySize;
const TextScreen = { address: 0xb_8000, columns: 80, rows: 25, bits: 16, type: 2 } as const;
const KiB = 1024;

export interface BootInformation {
  /** Guest physical address of the information. Its length does not depend on it. */
  readonly base: number;
  readonly ramSize: number;
  readonly map: readonly E820Entry[];
  /** Strings with the zero behind them. */
  readonly commandLine: Uint8Array;
  readonly loaderName: Uint8Array;
  readonly modules: readonly { readonly start: number; readonly end: number; readonly line: Uint8Array }[];
  /** Tell of a text screen. */
  readonly hasScreen: boolean;
}

/** What the image finds behind EBX: the structure, and what its pointers lead to. */
export function bootInformation(content: BootInformation): Uint8Array {
  const { base, ramSize, map, modules, hasScreen } = content;
  const mapStart = InfoSize + modules.length * ModuleSize;
  let end = mapStart + map.length * MapEntrySize;
  const strings = [content.commandLine, content.loaderName, ...modules.map(({ line }) => line)].map((bytes) => {
    const start = end;
    end += bytes.length;
    return { start, bytes };
  });
  const result = new Uint8Array(end);
  const view = new DataView(result.buffer);
  const words = (offset: number, ...values: readonly number[]): void => {
    for (const [index, value] of values.entries()) view.setUint32(offset + 4 * index, value, true);
  };
  for (const { start, bytes } of strings) result.set(bytes, start);
  const addressOf = (string: number): number => base + (strings[string]?.start ?? 0);
  for (const [index, module] of modules.entries())
    words(InfoSize + index * ModuleSize, module.start, module.end, addressOf(2 + index));
  for (const [index, entry] of map.entries()) {
    words(mapStart + index * MapEntrySize, E820EntrySize);
    result.set(e820Bytes([entry]), mapStart + index * MapEntrySize + 4);
  }
  const always = Flags.Memory + Flags.CommandLine + Flags.Modules + Flags.Map + Flags.LoaderName;
  words(Info.Flags, always + (hasScreen ? Flags.Screen : 0));
  words(Info.LowMemory, Math.floor((map[0]?.size ?? 0) / KiB), Math.floor((ramSize - ExtendedMemory) / KiB));
  words(Info.CommandLine, addressOf(0), modules.length, base + InfoSize);
  words(Info.MapLength, map.length * MapEntrySize, base + mapStart);
  words(Info.LoaderName, addressOf(1));
  if (hasScreen) {
    const { address, columns, rows, bits, type } = TextScreen;
    words(Info.ScreenAddress, address, 0, (columns * bits) / 8, columns, rows);
    view.setUint8(Info.ScreenBits, bits);
    view.setUint8(Info.ScreenType, type);
  }
  return result;
}
