import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackplaneError } from '../../../base/errors.ts';
import { reasonOf } from '../../../base/system-errors.ts';
import { printable } from '../../../base/text.ts';
import type { KernelModule } from '../debian/linux-kernel.ts';
import type { UnpackedPackage } from '../debian/package-cache.ts';
import { NewcArchive } from './newc-archive.ts';
import { printReply } from './serial-replies.ts';

export interface RootFiles {
  readonly busybox: UnpackedPackage;
  /** In the order in which they are inserted. */
  readonly modules: readonly KernelModule[];
  /** By the path where the guest finds them: paths of this host. */
  readonly files: Readonly<Record<string, string>>;
}

/** The guest's initramfs: busybox with all its programs, modules, files, and what its first process does. */
export function rootFileSystem({ busybox, modules, files }: RootFiles): readonly Uint8Array[] {
  const own = Object.entries(files).map(([path, source]) => ({ path, content: contentOf(path, source) }));
  for (const { path, content } of own) checkInterpreter(path, content, files);
  const archive = new NewcArchive();
  archive.character('dev/console', 5, 1);
  for (const folder of ['proc', 'sys', 'tmp', 'run', 'mnt', 'root']) archive.folder(folder);
  archive.file('bin/busybox', readFileSync(join(busybox.folder, 'usr/bin/busybox')), 0o755);
  archive.link('bin/sh', 'busybox');
  archive.file('etc/passwd', 'root::0:0:root:/root:/bin/sh\n');
  archive.file('etc/group', 'root:x:0:\n');
  for (const { name, bytes } of modules) archive.file(`modules/${name}.ko`, bytes);
  archive.file('etc/shell', shellScript);
  archive.file('init', initScript(modules.map(({ name }) => name)), 0o755);
  for (const { path, content } of own) archive.file(path.slice(1), content, 0o755);
  return archive.finish();
}

function contentOf(path: string, source: string): Uint8Array {
  try {
    return readFileSync(source);
  } catch (cause) {
    throw new BackplaneError(
      'guest-file',
      `linuxGuest: files: '${printable(path)}' is to be '${printable(source)}', which cannot be read (${reasonOf(cause)}).`,
      { cause },
    );
  }
}

/** Of 64 bits, little-endian. @see elf(5) */
const Elf = { magic: '\x7fELF\x02\x01', headers: 0x20, headerSize: 0x36, headerCount: 0x38, offset: 8, size: 0x20 };
const ProgramInterpreter = 3; // PT_INTERP

/** Linux answers 'not found' for a program whose dynamic loader is not there. */
function checkInterpreter(path: string, content: Uint8Array, files: RootFiles['files']): void {
  const interpreter = interpreterOf(Buffer.from(content.buffer, content.byteOffset, content.byteLength));
  if (interpreter === undefined || Object.hasOwn(files, interpreter)) return;
  throw new BackplaneError(
    'guest-file',
    `linuxGuest: files: '${printable(path)}' is linked dynamically, and the guest has no '${printable(interpreter)}'. ` +
      "Link it with -static, or add the loader and its libraries to 'files'.",
  );
}

/** The dynamic loader that a program names; undefined for one that needs none, and for what is no whole program. */
function interpreterOf(file: Buffer): string | undefined {
  if (file.toString('latin1', 0, Elf.magic.length) !== Elf.magic || file.length < Elf.headerCount + 2) return undefined;
  const table = Number(file.readBigUInt64LE(Elf.headers));
  const size = file.readUInt16LE(Elf.headerSize);
  for (let index = 0; index < file.readUInt16LE(Elf.headerCount); index++) {
    const header = table + index * size;
    if (header + Elf.size + 8 > file.length) return undefined;
    if (file.readUInt32LE(header) !== ProgramInterpreter) continue;
    const start = Number(file.readBigUInt64LE(header + Elf.offset));
    const length = Number(file.readBigUInt64LE(header + Elf.size));
    return file.toString('latin1', start, start + length).replace(/\0.*$/s, '');
  }
  return undefined;
}

/** Takes commands from the serial line, one a line, and answers each. A command may be interrupted, and the loop goes on. */
const shellScript = [
  'trap : INT',
  printReply('ready'),
  'while :; do',
  '  read -r id line || continue',
  '  sh -c "$(printf %b "$line")" </dev/null',
  `  ${printReply('%s %s', '$id', '$?')}`,
  'done',
  '',
].join('\n');

/** The first process. It never ends, since Linux panics when it does. */
function initScript(modules: readonly string[]): string {
  return [
    '#!/bin/busybox sh',
    'export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root',
    '/bin/busybox mount -t devtmpfs devtmpfs /dev',
    '/bin/busybox mount -t proc proc /proc',
    '/bin/busybox mount -t sysfs sysfs /sys',
    '/bin/busybox --install -s /bin',
    'mkdir -p /dev/pts /dev/shm && mount -t devpts devpts /dev/pts && mount -t tmpfs tmpfs /dev/shm',
    // Linux makes its devices there all the same. A line that writes to one that is missing fails, and makes no file.
    'mount -o remount,bind,ro /dev',
    'hostname guest',
    // All that the kernel prints comes over the console, where this process sees it.
    'dmesg -n 8',
    // A break on the console and a letter have it print what its tasks wait for.
    'echo 1 >/proc/sys/kernel/sysrq',
    // Bytes go through as they are, and one of them interrupts.
    'stty -F /dev/ttyS1 raw -echo isig -iexten quit undef susp undef',
    ...modules.map(
      (name) => `insmod /modules/${name}.ko 2>/run/why || { cat /run/why; ${printReply('failed')}; } >/dev/ttyS1`,
    ),
    'while :; do setsid -c sh /etc/shell </dev/ttyS1 >/dev/ttyS1 2>&1; done',
    '',
  ].join('\n');
}
