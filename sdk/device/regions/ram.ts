import { BackplaneError } from '../../base/errors.ts';
import { MemoryRegion, type MemoryTopology, type RegionOwner } from '../../memory/index.ts';
import { checkRamSize } from '../../memory/region-checks.ts';
import type { Device } from '../device.ts';
import { type CheckedSizes, type PlaceSpec, RegionTemplate } from './region.ts';

/** What a ROM says about itself. */
export interface RomSpec extends PlaceSpec {
  /** What it holds from its start on; the rest is 0xff, as in an erased chip. Default: nothing. */
  readonly image?: Uint8Array;
}

const Erased = 0xff;

/**
 * Memory of a device, as a value of its file: RAM, or a ROM that the guest cannot write. No handler runs for an access. The
 * bytes are in snapshots, and a replacement of the device inherits them. A reset leaves them alone.
 */
export class RamRegion extends RegionTemplate {
  /** Memory takes every access, aligned or not. @internal */
  readonly accepts: CheckedSizes = { min: 1, max: 8, unaligned: true };
  /** What a ROM holds from its start on. */
  readonly image: Uint8Array | undefined;

  constructor(
    readonly kind: 'ram' | 'rom',
    spec: RomSpec,
  ) {
    const { image, ...place } = spec;
    super(kind === 'rom' ? place : spec);
    checkRamSize(this.name, this.size);
    this.image = checkedImage(this, image);
    Object.freeze(this);
  }

  /**
   * The bytes of that device's own memory, from realize to unrealize. A view of all of them, not a copy: what the device writes
   * here, the guest reads. Such a write is in no dirty log.
   */
  bytesOf(device: Device): Uint8Array {
    return device.region(this).ram?.bytes as Uint8Array;
  }
}

/** RAM of the device: zeros at power-on. The class header names it: `@contains(ram)` or `@bar(1, ram)`. */
export function ramRegion(spec: PlaceSpec): RamRegion {
  return new RamRegion('ram', spec);
}

/** A ROM of the device. Writes of the guest fail to decode. The class header names it: `@contains(rom)` or `@bar(1, rom)`. */
export function romRegion(spec: RomSpec): RamRegion {
  return new RamRegion('rom', spec);
}

/** The memory region of one device. A ROM that is inherited gets the image of the new class. */
export function buildRam(
  { kind, name, size, image }: RamRegion,
  topology: MemoryTopology,
  owner: RegionOwner,
): MemoryRegion {
  if (kind === 'ram') return MemoryRegion.ram(topology, name, size, { owner });
  const region = MemoryRegion.rom(topology, name, size, { owner });
  region.ram?.bytes.fill(Erased);
  if (image !== undefined) region.ram?.bytes.set(image);
  return region;
}

/** A copy, so that the ROM does not change with what it was made from. */
function checkedImage({ name, size }: RegionTemplate, image: Uint8Array | undefined): Uint8Array | undefined {
  if (image === undefined) return undefined;
  const fail = (what: string): never => {
    throw new BackplaneError('invalid-rom-image', `Region '${name}': ${what}`);
  };
  if (!(image instanceof Uint8Array)) fail('its image is no Uint8Array. Write new Uint8Array([0x55, 0xaa]).');
  if (image.length > size) fail(`the image has ${image.length} bytes and the ROM only ${size}. Make the ROM larger.`);
  return image.slice();
}
