import type { BlockBackend } from '../../sdk/backend.ts';
import { BackplaneError, KiB, MemoryRegion, type MemoryTopology, MiB, type RegionOwner } from '../../sdk/index.ts';
import { readImage } from '../parts/image-memory.ts';

const Smallest = 2 * KiB;
const Largest = 16 * MiB;
const Erased = 0xff;

/** The expansion ROM of the device `id` with the bytes of the back end; undefined without one. */
export function romRegionOf(
  image: BlockBackend,
  id: string,
  topology: MemoryTopology,
  owner: RegionOwner,
): MemoryRegion | undefined {
  if (!image.isChosen) return undefined;
  const { size } = image;
  if (size === 0 || size > Largest) {
    throw new BackplaneError(
      'image-of-wrong-size',
      `Device '${id}': back end '${image.id}' has ${size} bytes, and an expansion ROM has 1 byte to 16 MiB. Give it the file of a VGA BIOS.`,
    );
  }
  const bytes = new Uint8Array(size);
  readImage(image, id, bytes);
  const romSize = Math.max(Smallest, 2 ** Math.ceil(Math.log2(size)));
  const region = MemoryRegion.rom(topology, 'vga.rom', romSize, { owner });
  region.ram?.bytes.fill(Erased).set(bytes);
  return region;
}
