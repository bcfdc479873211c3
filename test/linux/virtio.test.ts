import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtioBlk, VirtioConsole, VirtioRng } from '../../devices/index.ts';
import { ringBuffer } from '../../sdk/backend.ts';
import { rawImage } from '../../sdk/cli/node.ts';
import { use } from '../../sdk/index.ts';
import { linuxGuest, whyNoLinuxGuest } from '../../sdk/testing/qemu/index.ts';
import { needs } from '../needs.ts';

const MiB = 2 ** 20;
/** All of them for each test: then all start with one saved state. */
const modules = ['virtio_rng', 'virtio_blk', 'virtio_console'];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backplane-virtio-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What e2fsprogs says of an image of this host. */
const e2fs = (program: 'e2fsck' | 'debugfs', ...args: string[]): Buffer =>
  execFileSync(`/usr/sbin/${program}`, args, { stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 16 * MiB });

describe.each(['pc', 'q35'] as const)(
  'virtio devices under Linux on %s',
  needs('qemu', whyNoLinuxGuest()),
  (machine) => {
    it('give random bytes', async () => {
      await using guest = await linuxGuest({ machine, device: use(VirtioRng), modules });
      expect(await guest.read('/sys/class/misc/hw_random/rng_current')).toBe('virtio_rng.0\n');
      const { output } = await guest.run('dd if=/dev/hwrng bs=1024 count=64 2>/dev/null | wc -c');
      expect(Number(output)).toBe(65_536);
      expect(guest.device.guestErrors).toEqual([]);
    });

    it('keep a file system, whose image is clean and has its bytes when QEMU is killed behind the unmount', async () => {
      const image = join(folder, 'disk.img');
      writeFileSync(image, '');
      truncateSync(image, 16 * MiB);
      const drive = rawImage({ id: 'disk0', file: image });
      const device = use(VirtioBlk, { options: { drive: 'disk0' } });
      let sum: string;
      {
        await using guest = await linuxGuest({ machine, device, backends: [drive], modules });
        await guest.run('mke2fs /dev/vda && mount -t ext4 /dev/vda /mnt');
        await guest.run('dd if=/dev/urandom of=/mnt/bytes bs=4096 count=512 && cp /mnt/bytes /mnt/again');
        sum = (await guest.run('umount /mnt && mount -t ext4 /dev/vda /mnt && sha256sum /mnt/again')).output.slice(
          0,
          64,
        );
        await guest.run('umount /mnt');
        const lines = await guest.interrupts('virtio0');
        expect(lines.map(({ text }) => text)).toEqual([
          expect.stringMatching(/^PCI-MSIX.*virtio0-config$/),
          expect.stringMatching(/^PCI-MSIX.*virtio0-req\.0$/),
        ]);
        expect(lines[1]?.count).toBeGreaterThan(10);
        expect(guest.device.guestErrors).toEqual([]);
      }
      expect(String(e2fs('e2fsck', '-fn', image))).toMatch(/13\/\d+ files/);
      for (const name of ['bytes', 'again']) {
        const bytes = e2fs('debugfs', '-R', `cat /${name}`, image);
        expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([2 * MiB, sum]);
      }
    });

    it('take a login on a console', async () => {
      const terminal = ringBuffer({ id: 'terminal' });
      const device = use(VirtioConsole, { options: { chardev: 'terminal' } });
      await using guest = await linuxGuest({ machine, device, backends: [terminal], modules });
      const shows = async (text: string): Promise<void> => {
        while (!terminal.text.includes(text)) await guest.run('sleep 0.05');
      };
      await guest.run('setsid getty 0 hvc0 vt100 >/dev/null 2>&1 &');
      await shows('login:');
      terminal.send('root\n');
      await shows('~ #');
      terminal.send('echo $((6 * 7)) on $(tty)\n');
      await shows('42 on /dev/hvc0');
      expect(guest.device.guestErrors).toEqual([]);
    });
  },
);
