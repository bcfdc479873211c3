import { isPowerOfTwo } from '../../base/bits.ts';
import { BackplaneError } from '../../base/errors.ts';
import { type AttributeDocument, ClassAttribute, formatSize, type RomSpec, recorderOf } from '../../device/index.ts';
import { KiB, MiB } from '../../memory/index.ts';
import { PciRegister, registerName } from './config-space.ts';
import type { PciClass } from './identity.ts';

/** The name in `info mtree`, 'nic.rom', its bytes, a power of two from 2 KiB, and its image. A `romRegion` will do. */
export type ExpansionRomSpec = Pick<RomSpec, 'name' | 'size' | 'image'>;

/** What `@expansionRom` declared. */
export const pciExpansionRom = new ClassAttribute<ExpansionRomSpec>('expansionRom', documentRom);

/** A power of two from 2 KiB to 16 MiB. */
export const isRomSize = (size: number): boolean => isPowerOfTwo(size) && size >= 2 * KiB && size <= 16 * MiB;

/** The function carries firmware of its own, which the guest maps by the expansion ROM's base address register. */
export function expansionRom(spec: ExpansionRomSpec) {
  return (deviceClass: PciClass): void => {
    const { name, size, image } = spec;
    const fail = (why: string) =>
      new BackplaneError('invalid-expansion-rom', `Class ${deviceClass.name}: @expansionRom('${name}'): ${why}`);
    if (!isRomSize(size)) throw fail(`${size} bytes is not a power of two from 2 KiB to 16 MiB. Give it one.`);
    if (image !== undefined && image.length > size) {
      throw fail(`the image has ${image.length} bytes and the ROM only ${size}. Give the ROM the next power of two.`);
    }
    recorderOf(deviceClass).set(
      pciExpansionRom,
      Object.freeze({ name, size, ...(image === undefined ? {} : { image }) }),
    );
  };
}

function documentRom({ name, size, image }: ExpansionRomSpec): AttributeDocument {
  const contents = image === undefined ? 'empty' : `${image.length} bytes`;
  const row = [`at ${registerName(PciRegister.ExpansionRom)}`, `\`${name}\``, formatSize(size), contents];
  return { tables: [{ heading: 'Expansion ROM', columns: ['register', 'region', 'size', 'image'], rows: [row] }] };
}
