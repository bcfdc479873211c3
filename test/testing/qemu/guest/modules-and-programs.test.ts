import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { refuseUnbound } from '../../../../sdk/testing/qemu/linux/driver-binding.ts';
import { checkRelease } from '../../../../sdk/testing/qemu/linux/guest-plan.ts';
import { compilerLines } from '../../../../sdk/testing/qemu/linux/kernel-module.ts';
import { GuestPciFunction } from '../../../../sdk/testing/qemu/linux/pci-function.ts';
import { rootFileSystem } from '../../../../sdk/testing/qemu/linux/root-files.ts';
import { expectRefusal } from '../../../refusal.ts';
import { ownTemporaryFolder } from '../own-temporary-folder.ts';

const folder = ownTemporaryFolder();

function put(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** What a module says of itself, in its section `.modinfo`. */
const information = (...texts: string[]) => Buffer.from(`\0${texts.join('\0')}\0`, 'latin1');

describe('a module that was built for another kernel', () => {
  it('is refused before the guest boots', () => {
    const bytes = information('depends=', 'vermagic=6.1.0-49-amd64 SMP preempt mod_unload modversions ');
    const check = (release: string) => checkRelease({ name: 'ring', bytes }, { release });
    check('6.1.0-49-amd64');
    expectRefusal(() => check('6.12.9-cloud-amd64'), 'guest-option', "'ring'", '6.1.0-49-amd64', '6.12.9-cloud-amd64');
    checkRelease({ name: 'ring', bytes: Buffer.from('no module') }, { release: '6.1.0-49-amd64' });
  });
});

describe('a driver that has not taken its device', () => {
  const bench = (answers: Readonly<Record<string, string>>) =>
    new GuestPciFunction('0000:00:10.0', async (line) => answers[line.split(' ')[0] as string] as string);
  const happened = async () => ' The kernel printed:\nring: probe failed\n';

  it('is named with the identification of the device, that of its table, and what the kernel said', async () => {
    const ring = put(
      'ring.ko',
      information('alias=pci:v00001234d000011EAsv*sd*bc*sc*i*', 'alias=pci:v00008086d*sv*sd*'),
    );
    const other = put('other.ko', information('license=GPL'));
    const modules = [
      { name: 'ring', path: ring },
      { name: 'other', path: other },
    ];
    const device = bench({ for: '', cat: '0x1234\n0x11e8\n' });
    await expectRefusal(
      () => refuseUnbound(device, modules, happened),
      'guest-driver-unbound',
      'which is 1234:11e8',
      "'ring' is for 1234:11ea, 8086:*.",
      "'other' is for no PCI device",
      'requireDriver: false',
      'ring: probe failed',
    );
    await refuseUnbound(bench({ for: 'yes\n' }), modules, happened);
  });
});

describe('a program for the guest', () => {
  const loader = '/lib64/ld-linux-x86-64.so.2';

  /** An ELF file with a header of each of these types; that of an interpreter names the loader. */
  function program(...types: number[]): Uint8Array {
    const file = Buffer.alloc(0x200);
    file.write('\x7fELF\x02\x01', 'latin1');
    file.writeBigUInt64LE(0x40n, 0x20);
    file.writeUInt16LE(0x38, 0x36);
    file.writeUInt16LE(types.length, 0x38);
    for (const [index, type] of types.entries()) {
      const header = 0x40 + index * 0x38;
      file.writeUInt32LE(type, header);
      file.writeBigUInt64LE(0x1c0n, header + 8);
      file.writeBigUInt64LE(BigInt(loader.length + 1), header + 0x20);
    }
    file.write(loader, 0x1c0);
    return file;
  }

  function archive(files: Record<string, string>) {
    mkdirSync(join(folder, 'usr/bin'), { recursive: true });
    put('usr/bin/busybox', '');
    return rootFileSystem({ busybox: { name: 'busybox-static', version: '1', folder }, modules: [], files });
  }

  it('that is linked dynamically is refused, unless its loader is there too', () => {
    const dynamic = put('dynamic', program(1, 3));
    expectRefusal(() => archive({ '/bin/test': dynamic }), 'guest-file', "'/bin/test'", loader, '-static');
    expect(archive({ '/bin/test': dynamic, [loader]: dynamic }).length).toBeGreaterThan(0);
  });

  it.each<[string, Uint8Array]>([
    ['is linked statically', program(1, 1)],
    ['is a script', Buffer.from('#!/bin/sh\n')],
    ['ends in its headers', program(1, 3).subarray(0, 0x50)],
    ['ends in its first bytes', program(1, 3).subarray(0, 0x10)],
  ])('that %s is taken', (_, bytes) => {
    expect(archive({ '/bin/test': put('program', bytes) }).length).toBeGreaterThan(0);
  });
});

describe('what the build of a module prints', () => {
  it('is what the compiler says of the sources at their own paths', () => {
    const text = [
      'warning: the compiler differs from the one used to build the kernel',
      '  The kernel was built by: gcc-12 (Debian 12.2.0-14) 12.2.0',
      '  You are using:           gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0',
      "/cache/.building-1/ring.c: In function 'ring':",
      '/cache/.building-1/ring.c:3:5: warning: unused variable',
      'make[2]: *** [/headers/scripts/Makefile.build:255: /cache/.building-1/ring.o] Error 1',
      'make: *** [Makefile:12: modules] Error 2',
      '',
    ].join('\n');
    expect(compilerLines(text, '/cache/.building-1', ['driver/ring.c'])).toBe(
      "driver/ring.c: In function 'ring':\ndriver/ring.c:3:5: warning: unused variable",
    );
  });
});
