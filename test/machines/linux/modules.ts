import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { linuxI386 } from '../../linux-i386.ts';

/** Of an entry of a newc archive: its numbers have eight digits each. @see cpio(5), New ASCII Format */
const Entry = { firstField: 6, digits: 8, size: 6, nameSize: 11, header: 110 } as const;
const upTo4 = (length: number): number => (length + 3) & ~3;

/** Modules of the kernel, by their file names, out of the initramfs of Debian's installer: for the folder `modules` of another one. */
export function kernelModules(...names: readonly string[]): Record<string, Uint8Array> {
  const archive = gunzipSync(readFileSync(linuxI386().installer));
  const found: Record<string, Uint8Array> = {};
  for (let at = 0; ; ) {
    const field = (index: number) => {
      const start = at + Entry.firstField + Entry.digits * index;
      return Number.parseInt(archive.toString('latin1', start, start + Entry.digits), 16);
    };
    const [size, nameSize] = [field(Entry.size), field(Entry.nameSize)];
    const name = archive.toString('latin1', at + Entry.header, at + Entry.header + nameSize - 1);
    if (name === 'TRAILER!!!') break;
    const start = upTo4(at + Entry.header + nameSize);
    if (names.includes(basename(name))) found[`modules/${basename(name)}`] = archive.subarray(start, start + size);
    at = upTo4(start + size);
  }
  const missing = names.filter((name) => found[`modules/${name}`] === undefined);
  if (missing.length > 0) throw new Error(`The installer has no module ${missing.join(', ')}.`);
  return found;
}
