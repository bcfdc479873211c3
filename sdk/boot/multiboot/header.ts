import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';

/** @see Multiboot Specification 0.6.96, 3.1, "OS image format" */
const Magic = 0x1bad_b002;
/** The header lies within so many bytes, at a multiple of four. */
const Limit = 8192;
const Header = { Flags: 4, Checksum: 8, Address: 12, Load: 16, LoadEnd: 20, BssEnd: 24, Entry: 28, VideoMode: 32 };
const LeastSize = 12;
const Flag = { AlignedModules: 0x1, Memory: 0x2, VideoMode: 0x4, Addresses: 0x1_0000 } as const;
/** A loader must refuse what it does not know of these. */
const Required = 0xffff;
const Known = Flag.AlignedModules | Flag.Memory | Flag.VideoMode;
const TextMode = 1;

/** Where an image is loaded that says so itself. */
export interface LoadAddresses {
  readonly load: number;
  /** The part of the file that is loaded. */
  readonly bytes: Uint8Array;
  /** With the zeroes behind it. */
  readonly memorySize: number;
  readonly entry: number;
}

export interface MultibootHeader {
  /** The image wants to be told of its text screen. */
  readonly wantsScreen: boolean;
  /** Undefined if it is ELF that says where it is loaded. */
  readonly addresses: LoadAddresses | undefined;
}

/** Whether a file is for `multibootImage`. */
export const isMultiboot = (bytes: Uint8Array): boolean => offsetOf(bytes) !== undefined;

/** @throws BackplaneError `multiboot-header` */
export function readMultibootHeader(name: string, bytes: Uint8Array): MultibootHeader {
  const refused = (why: string): BackplaneError => new BackplaneError('multiboot-header', `${name}: ${why}`);
  const at = offsetOf(bytes);
  if (at === undefined) throw refused('its first 8 KiB have no header of Multiboot 1. Give an image that has one.');
  const view = viewOf(bytes);
  const field = (offset: number): number => {
    if (at + offset + 4 > bytes.length) throw refused('its Multiboot header is cut off. Get the file again.');
    return view.getUint32(at + offset, true);
  };
  const flags = field(Header.Flags);
  const unknown = flags & Required & ~Known;
  const wantsScreen = (flags & Flag.VideoMode) !== 0;
  if (unknown !== 0 || (wantsScreen && field(Header.VideoMode) !== TextMode)) {
    const what = unknown === 0 ? 'a graphics mode' : `what its flags ${hex(unknown)} mean`;
    throw refused(`its Multiboot header asks for ${what}, which this loader does not have. Build it without.`);
  }
  if ((flags & Flag.Addresses) === 0) return { wantsScreen, addresses: undefined };
  const load = field(Header.Load);
  const start = at - (field(Header.Address) - load);
  const end = field(Header.LoadEnd) === 0 ? bytes.length : start + field(Header.LoadEnd) - load;
  const memorySize = Math.max(field(Header.BssEnd) - load, end - start);
  const entry = field(Header.Entry);
  if (start < 0 || start > at || end <= start || end > bytes.length || entry < load || entry >= load + memorySize)
    throw refused('the addresses in its Multiboot header are not those of this file. Get the file again.');
  return { wantsScreen, addresses: { load, bytes: bytes.subarray(start, end), memorySize, entry } };
}

function offsetOf(bytes: Uint8Array): number | undefined {
  const view = viewOf(bytes);
  for (let at = 0; at <= Math.min(bytes.length, Limit) - LeastSize; at += 4) {
    if (view.getUint32(at, true) !== Magic) continue;
    const sum = Magic + view.getUint32(at + Header.Flags, true) + view.getUint32(at + Header.Checksum, true);
    if (sum % 2 ** 32 === 0) return at;
  }
  return undefined;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
