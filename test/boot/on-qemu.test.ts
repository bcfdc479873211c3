import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GuestCode } from '../../sdk/accelerator/guest/code.ts';
import { linuxKernel, multibootImage } from '../../sdk/boot/index.ts';
import { findQemu, whyNoQemu } from '../../sdk/testing/qemu/index.ts';
import { linuxI386, ShellReady, shellInitramfs, whyNoLinuxI386 } from '../linux-i386.ts';
import { needs } from '../needs.ts';
import { elf32, MiB, multibootHeader } from './images.ts';
import { startRom } from './start-rom.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backplane-boot-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Puts the pieces of a guest into the RAM of QEMU's PC, and begins it as its start says. Answers what came over the serial port. */
async function serialOutput(guest: GuestCode, ramSize: number): Promise<string> {
  const file = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const loaders = guest.pieces.flatMap(({ address, bytes }, index) => [
    '-device',
    `loader,file=${file(`piece-${index}`, bytes)},addr=${address},force-raw=on`,
  ]);
  const output = join(folder, 'output');
  const args = [
    ...[
      '-M',
      'pc',
      '-accel',
      'tcg',
      '-cpu',
      'pentium3,-apic',
      '-m',
      `${ramSize / MiB}`,
      '-nodefaults',
      '-display',
      'none',
    ],
    ...[
      '-bios',
      file('rom', startRom(guest)),
      // No pipe: it is full after some 300 writes of a byte, and QEMU drops what a busy reader does not take at once.
      '-serial',
      `file:${output}`,
      '-no-reboot',
      '-device',
      'isa-debug-exit,iobase=0xf4',
    ],
    ...loaders,
  ];
  // The status is no part of this: 0 after a restart, and an odd one from the exit port.
  return new Promise((resolve) => {
    execFile(findQemu() as string, args, { timeout: 150_000 }, () => resolve(readFileSync(output, 'latin1')));
  });
}

describe('the pieces of a boot image, on the PC of QEMU', () => {
  it(
    'bring an image of Multiboot 1 its magic number, its command line and its module',
    needs('qemu', whyNoQemu()),
    async () => {
      const code = [
        ...[0x66, 0xba, 0xf8, 0x03], // mov dx, 0x3f8
        ...[0xb9, 4, 0, 0, 0, 0xee, 0xc1, 0xe8, 0x08, 0xe2, 0xfa], // send the bytes of eax
        ...[0x8b, 0x73, 0x10, 0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8], // send the text at [ebx + 16]
        ...[0x8b, 0x43, 0x18, 0x8b, 0x30, 0x8b, 0x48, 0x04, 0x29, 0xf1, 0xac, 0xee, 0xe2, 0xfc], // send the first module
        ...[0x66, 0xba, 0xf4, 0x00, 0xee, 0xf4], // end the emulator
      ];
      const header = multibootHeader({ flags: 3 });
      const bytes = elf32(MiB + header.length, [{ physical: MiB, bytes: Uint8Array.from([...header, ...code]) }]);
      const modules = [{ name: 'module', bytes: new TextEncoder().encode('<module>') }];
      const guest = multibootImage({ name: 'image', bytes, commandLine: '<line>', modules, ramSize: 16 * MiB });
      expect(await serialOutput(guest, 16 * MiB)).toBe('\x02\xb0\xad\x2b<line><module>');
    },
  );

  const missing = whyNoQemu() ?? whyNoLinuxI386();
  it.each([true, false])(
    'bring Linux for i386 to its shell, unpacked here: %s',
    needs('qemu', missing),
    async (unpack) => {
      const fetched = linuxI386();
      const initrd = shellInitramfs(fetched, { after: ['cat /proc/cmdline', 'reboot -f'] });
      const kernel = new Uint8Array(readFileSync(fetched.kernel));
      const commandLine = 'console=ttyS0 cryptomgr.notests panic=-1 no_timer_check';
      const guest = linuxKernel({ name: 'linux', kernel, initrd, commandLine, ramSize: 64 * MiB, unpack });
      const output = await serialOutput(guest, 64 * MiB);
      expect(output).toContain(`Kernel command line: ${commandLine}`);
      expect(output).toMatch(/BIOS-e820: \[mem 0x0000000000100000-0x0000000003ffffff\] usable/);
      expect(output).toContain(`${ShellReady}\r\n${commandLine}\r\n`);
    },
  );
});
