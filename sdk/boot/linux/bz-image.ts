import { isGzip } from '../../base/bytes.ts';
import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import { unpackGzip } from '../unpack-gzip.ts';
import { isXz, unpackXz } from '../xz/unpack-xz.ts';

/** Offsets in the file, and in boot_params too. @see Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header" */
export const SetupHeader = {
  Start: 0x1f1,
  SetupSectors: 0x1f1,
  SystemSize: 0x1f4,
  BootFlag: 0x1fe,
  /** Of a jump over the header: its end, counted from the next byte. */
  Jump: 0x201,
  Magic: 0x202,
  Version: 0x206,
  TypeOfLoader: 0x210,
  LoadFlags: 0x211,
  RamdiskImage: 0x218,
  RamdiskSize: 0x21c,
  CommandLine: 0x228,
  RamdiskMax: 0x22c,
  ExtendedLoadFlags: 0x236,
  CommandLineSize: 0x238,
  PayloadOffset: 0x248,
  PayloadLength: 0x24c,
  PreferredAddress: 0x258,
  InitSize: 0x260,
  /** boot_params has something else from here on. */
  Limit: 0x290,
} as const;

export const HeaderMagic = 0x5372_6448; // HdrS
export const BootFlag = 0xaa55;
export const LoadedHigh = 0x01;
const Has64BitEntry = 0x01;
/** Linux 2.6.31, of 2009: the first that says how much memory it needs. */
const OldestVersion = 0x20a;
/** From here on a kernel says whether it is one of 64 bits. */
const VersionOfExtendedLoadFlags = 0x20c;
const SectorSize = 512;
/** What 0 setup sectors mean. */
const DefaultSetupSectors = 4;
/** XZ has its unpacked length behind it, as Linux's own decoder wants it. */
const LengthSize = 4;

/** What a loader needs of a kernel in the format bzImage. */
export class BzImage {
  private readonly view: DataView;
  private readonly system: Uint8Array;

  /** @throws BackplaneError `linux-damaged`, `linux-protocol`, `linux-64-bit` */
  constructor(
    private readonly name: string,
    private readonly bytes: Uint8Array,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length < SetupHeader.Limit) throw this.damaged('its header is cut off');
    const version = this.view.getUint16(SetupHeader.Version, true);
    if (version < OldestVersion || (this.view.getUint8(SetupHeader.LoadFlags) & LoadedHigh) === 0) {
      throw new BackplaneError(
        'linux-protocol',
        `${name}: it follows version ${version >> 8}.${version & 0xff} of Linux's boot protocol, or it is a zImage. 2.10 and bzImage are the ` +
          'least: take Linux 2.6.31 or later.',
      );
    }
    const flags = this.view.getUint16(SetupHeader.ExtendedLoadFlags, true);
    if (version >= VersionOfExtendedLoadFlags && flags & Has64BitEntry) {
      throw new BackplaneError(
        'linux-64-bit',
        `${name}: it is a Linux of 64 bits. Take one of 32 bits, for i386 or i686.`,
      );
    }
    const setupSize = ((bytes[SetupHeader.SetupSectors] || DefaultSetupSectors) + 1) * SectorSize;
    const systemSize = this.word(SetupHeader.SystemSize) * 16;
    if (setupSize + systemSize > bytes.length) {
      throw this.damaged(`it has ${bytes.length} bytes, and its header says ${setupSize + systemSize}`);
    }
    this.system = bytes.subarray(setupSize, setupSize + systemSize);
  }

  static isOne(bytes: Uint8Array): boolean {
    if (bytes.length < SetupHeader.Version) return false;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return (
      view.getUint16(SetupHeader.BootFlag, true) === BootFlag && view.getUint32(SetupHeader.Magic, true) === HeaderMagic
    );
  }

  /** What a loader copies into boot_params. */
  get header(): Uint8Array {
    const end = SetupHeader.Magic + (this.bytes[SetupHeader.Jump] as number);
    return this.bytes.subarray(SetupHeader.Start, Math.min(end, SetupHeader.Limit));
  }

  /** The code that unpacks the kernel in the guest. */
  get protectedModeKernel(): Uint8Array {
    return this.system;
  }

  /** In bytes, without the zero behind it. */
  get longestCommandLine(): number {
    return this.word(SetupHeader.CommandLineSize);
  }

  /** The highest address that a byte of the initramfs may have. */
  get ramdiskMax(): number {
    return this.word(SetupHeader.RamdiskMax);
  }

  /** Behind the memory that the kernel uses before it knows its memory map. */
  get endOfMemory(): number {
    return Number(this.view.getBigUint64(SetupHeader.PreferredAddress, true)) + this.word(SetupHeader.InitSize);
  }

  /** The kernel itself, unpacked here; undefined if it is packed with something else than gzip or XZ. `limit` is in bytes. */
  unpacked(limit: number): Uint8Array | undefined {
    const [offset, length] = [this.word(SetupHeader.PayloadOffset), this.word(SetupHeader.PayloadLength)];
    if (offset + length > this.system.length) throw this.damaged(`its payload at ${hex(offset)} is cut off`);
    const payload = this.system.subarray(offset, offset + length);
    const options = { name: this.name, limit };
    if (isGzip(payload)) return unpackGzip(payload, options);
    return isXz(payload) ? unpackXz(payload.subarray(0, -LengthSize), options) : undefined;
  }

  private word(offset: number): number {
    return this.view.getUint32(offset, true);
  }

  private damaged(why: string): BackplaneError {
    return new BackplaneError('linux-damaged', `${this.name}: it is a damaged bzImage: ${why}. Get the file again.`);
  }
}
