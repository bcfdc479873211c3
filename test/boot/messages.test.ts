import { linuxKernel, multibootImage } from '../../sdk/boot/index.ts';
import { unpackXz } from '../../sdk/boot/xz/unpack-xz.ts';
import { goldenMessages } from '../golden-messages.ts';
import { bzImage, gzipped, MiB, vmlinux } from './images.ts';
import { fixture } from './xz-files.ts';

const linux = (kernel: Uint8Array, more: { ramSize?: number; commandLine?: string } = {}) =>
  linuxKernel({ name: 'vmlinuz', kernel, ramSize: 64 * MiB, ...more });
const changed = (at: number, value: number): Uint8Array => {
  const file = vmlinux();
  file[at] = value;
  return file;
};
const unpack = (bytes: Uint8Array, limit = MiB) => unpackXz(bytes, { name: 'vmlinuz', limit });

goldenMessages('boot', {
  'boot-command-line': () => linux(vmlinux(), { commandLine: 'x'.repeat(3000) }),
  'boot-format': () => linux(new Uint8Array(4096)),
  'boot-memory': () => linux(vmlinux(), { ramSize: 8 * MiB }),
  'boot-option': () => linux(vmlinux(), { ramSize: 1000 }),
  'elf-damaged': () => linux(vmlinux().slice(0, 60)),
  'elf-machine': () => linux(changed(18, 62)),
  'gzip-damaged': () => linux(bzImage({ payload: gzipped(vmlinux()).slice(0, 12) })),
  'linux-64-bit': () => linux(bzImage({ extendedLoadFlags: 1 })),
  'linux-damaged': () => linux(bzImage().slice(0, 0x300)),
  'linux-protocol': () => linux(bzImage({ version: 0x204 })),
  'multiboot-header': () => multibootImage({ name: 'kernel.elf', bytes: vmlinux(), ramSize: 64 * MiB }),
  'packed-too-large': () => unpack(fixture('textCrc32'), 1000),
  'xz-damaged': () => unpack(fixture('textCrc32').subarray(0, 100)),
  'xz-unsupported': () => unpack(fixture('textSha256')),
});
