import type { GuestCode } from '../../accelerator/guest/code.ts';
import { BackplaneError } from '../../base/errors.ts';
import { ExtendedMemory } from '../e820.ts';
import { isElf, readElf32 } from '../elf32.ts';
import { checkBytes, commandLineBytes, PageSize, Placement, roundUp } from '../placement.ts';
import { BootParamsSize, BootSelector, bootParams, globalDescriptorTable } from './boot-params.ts';
import { BzImage } from './bz-image.ts';

export interface LinuxKernelOptions {
  /** How messages call it: the name of its file. */
  readonly name: string;
  /** A bzImage, or the ELF file vmlinux. */
  readonly kernel: Uint8Array;
  readonly initrd?: Uint8Array | undefined;
  readonly commandLine?: string | undefined;
  /** Bytes of RAM from address 0 on, in whole pages. */
  readonly ramSize: number;
  /** Unpack the kernel here, and not in the guest, where it is packed with gzip or XZ: that spares most instructions of a boot. Default: true. */
  readonly unpack?: boolean | undefined;
  /** The machine's display adapter is in text mode 3, and Linux may use it as its console. Default: false. */
  readonly textScreen?: boolean | undefined;
}

const ParamsAddress = 0x1_0000;
const TableAddress = ParamsAddress + BootParamsSize;
const LineAddress = TableAddress + PageSize;
/** What a kernel copies, whatever the length of the line. */
const LineRoom = 0x800;
/** The map of a PC has room for more; no kernel has. */
const MostLine = 0xffff;
/** Of a vmlinux, which does not say it. @see Documentation/arch/x86/boot.rst, initrd_addr_max before protocol 2.03 */
const PlainRamdiskMax = 0x37ff_ffff;

interface Loaded {
  readonly entry: number;
  /** Behind what the kernel uses before it knows its memory. */
  readonly end: number;
  readonly ramdiskMax: number;
  readonly image?: BzImage;
}

/**
 * A Linux of 32 bits as a guest in machine code, by Linux's 32-bit boot protocol. Its initramfs lies as high as kernel and RAM allow.
 *
 * @throws BackplaneError `boot-format` if it is neither bzImage nor ELF; `linux-damaged`, `linux-protocol`, `linux-64-bit`; `elf-machine`,
 *   `elf-damaged`, `gzip-damaged`, `xz-damaged`, `xz-unsupported`, `packed-too-large` of what it is packed in; `boot-memory` if kernel or
 *   initramfs do not fit into RAM; `boot-command-line`, `boot-option`
 * @see Linux, Documentation/arch/x86/boot.rst
 */
export function linuxKernel(options: LinuxKernelOptions): GuestCode {
  const { name, kernel, initrd, commandLine = '', ramSize, textScreen = false } = options;
  checkBytes(name, 'kernel', kernel);
  if (initrd !== undefined) checkBytes(name, 'initrd', initrd);
  const place = new Placement(name, ramSize);
  const { entry, end, ramdiskMax, image } = load(options, place);
  const line = commandLineBytes(name, commandLine, Math.min(image?.longestCommandLine ?? LineRoom - 1, MostLine));
  const lineBytes = new Uint8Array(Math.max(line.length, LineRoom));
  lineBytes.set(line);
  place.put('the command line', LineAddress, lineBytes);
  const table = globalDescriptorTable();
  place.put('the descriptor table', TableAddress, table);
  const ramdisk = initrd === undefined ? undefined : { address: 0, size: initrd.length };
  if (initrd !== undefined && ramdisk !== undefined) {
    const highest = Math.min(ramSize, ramdiskMax + 1) - initrd.length;
    ramdisk.address = highest - (((highest % PageSize) + PageSize) % PageSize);
    if (ramdisk.address < end) throw place.noRoom('the initramfs', end, initrd.length);
    place.put('the initramfs', ramdisk.address, initrd);
  }
  const params = {
    header: image?.header,
    map: place.map,
    commandLine: LineAddress,
    initrd: ramdisk,
    isTextScreen: textScreen,
  };
  place.put('boot_params', ParamsAddress, bootParams(params));
  return {
    name,
    pieces: place.pieces,
    start: {
      mode: 'protected',
      entry,
      registers: { esi: ParamsAddress, esp: ParamsAddress },
      segments: {
        code: BootSelector.Code,
        data: BootSelector.Data,
        table: { base: TableAddress, limit: table.length - 1 },
      },
    },
  };
}

/** Puts the kernel where it was linked, or its bzImage where that begins. */
function load({ name, kernel, ramSize, unpack = true }: LinuxKernelOptions, place: Placement): Loaded {
  if (isElf(kernel)) return { ...loadElf(name, kernel, place), ramdiskMax: PlainRamdiskMax };
  if (!BzImage.isOne(kernel)) {
    throw new BackplaneError(
      'boot-format',
      `${name}: it is no Linux: neither a bzImage nor an ELF file. Give the file 'vmlinuz' or 'vmlinux' of a kernel for i386.`,
    );
  }
  const image = new BzImage(name, kernel);
  const { ramdiskMax, endOfMemory } = image;
  if (endOfMemory > ramSize) throw place.noRoom('the unpacked kernel', 0, endOfMemory);
  const plain = unpack ? image.unpacked(ramSize) : undefined;
  if (plain !== undefined) {
    const { entry, end } = loadElf(name, plain, place);
    return { entry, end: Math.max(end, endOfMemory), ramdiskMax, image };
  }
  place.put('the kernel', ExtendedMemory, image.protectedModeKernel);
  return { entry: ExtendedMemory, end: Math.max(place.end, endOfMemory), ramdiskMax, image };
}

function loadElf(name: string, bytes: Uint8Array, place: Placement): { entry: number; end: number } {
  const elf = readElf32(name, bytes);
  const low = elf.segments.find(({ physicalAddress }) => physicalAddress < ExtendedMemory);
  if (low !== undefined) throw place.noRoom('a segment below 1 MiB', low.physicalAddress, low.memorySize);
  const entry = place.putSegments(elf);
  return { entry, end: roundUp(place.end, PageSize) };
}
