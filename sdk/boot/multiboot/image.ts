import type { GuestCode } from '../../accelerator/guest/code.ts';
import { BackplaneError } from '../../base/errors.ts';
import { isElf, readElf32 } from '../elf32.ts';
import { checkBytes, commandLineBytes, PageSize, Placement, roundUp } from '../placement.ts';
import { type MultibootHeader, readMultibootHeader } from './header.ts';
import { bootInformation } from './information.ts';

/** A file that the image asks for: an initial RAM disk, or another program. */
export interface MultibootModule {
  /** How messages call it. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Its string. Default: its name. */
  readonly commandLine?: string | undefined;
}

export interface MultibootOptions {
  /** How messages call it: the name of its file. */
  readonly name: string;
  /** An image of 32 bits with a header of Multiboot 1. */
  readonly bytes: Uint8Array;
  readonly commandLine?: string | undefined;
  /** At most 256. */
  readonly modules?: readonly MultibootModule[] | undefined;
  /** Bytes of RAM from address 0 on, in whole pages. */
  readonly ramSize: number;
}

/** What an image finds in EAX. */
const LoaderMagic = 0x2bad_b002;
const LoaderName = 'backplane';
const LongestLine = 4095;
const MostModules = 256;

/**
 * An image of Multiboot 1 as a guest in machine code. Its header is in its first 8 KiB. It is an ELF executable, or says itself where it is
 * loaded. Modules lie behind it, each at a page.
 *
 * @throws BackplaneError `multiboot-header` if there is none, or it asks for what there is not; `elf-machine`, `elf-damaged`; `boot-memory` if
 *   image or modules do not fit into RAM; `boot-command-line`, `boot-option`
 * @see Multiboot Specification, version 0.6.96
 */
export function multibootImage({ name, bytes, commandLine = '', modules = [], ramSize }: MultibootOptions): GuestCode {
  checkBytes(name, 'the image', bytes);
  if (!Array.isArray(modules) || modules.length > MostModules) {
    throw new BackplaneError(
      'boot-option',
      `${name}: modules is no list of at most ${MostModules}. Give it fewer of them.`,
    );
  }
  const place = new Placement(name, ramSize);
  const header = readMultibootHeader(name, bytes);
  const entry = putImage(name, bytes, header, place);
  const line = (text: string): Uint8Array => commandLineBytes(name, text, LongestLine);
  const content = {
    ramSize,
    map: place.map,
    commandLine: line(commandLine),
    loaderName: line(LoaderName),
    modules: modules.map((module) => ({
      ...putModule(name, module, place),
      line: line(module.commandLine ?? module.name),
    })),
    hasScreen: header.wantsScreen,
  };
  const base = place.freeLow('the boot information', bootInformation({ ...content, base: 0 }).length);
  place.put('the boot information', base, bootInformation({ ...content, base }));
  const registers = { eax: LoaderMagic, ebx: base };
  return { name, pieces: place.pieces, start: { mode: 'protected', entry, registers } };
}

/** Puts the image where it was linked; answers where it begins. */
function putImage(name: string, bytes: Uint8Array, { addresses }: MultibootHeader, place: Placement): number {
  if (addresses !== undefined) {
    place.put('the image', addresses.load, addresses.bytes, addresses.memorySize);
    return addresses.entry;
  }
  if (isElf(bytes)) return place.putSegments(readElf32(name, bytes));
  throw new BackplaneError(
    'multiboot-header',
    `${name}: it is no ELF file, and its Multiboot header has no addresses. Link it as ELF, or give it addresses.`,
  );
}

function putModule(name: string, module: MultibootModule, place: Placement): { start: number; end: number } {
  const what = `module '${module.name}'`;
  checkBytes(name, what, module.bytes);
  const start = roundUp(place.end, PageSize);
  place.put(what, start, module.bytes);
  return { start, end: start + module.bytes.length };
}
