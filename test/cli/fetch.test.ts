import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GuestPackages } from '../../sdk/testing/qemu/debian/guest-packages.ts';
import { shellFiles, writeShell } from '../../sdk/testing/qemu/linux/i386-shell.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backplane-fetch-'));
  vi.stubEnv('XDG_CACHE_HOME', folder);
  vi.stubEnv('PATH', '/nowhere');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

describe('backplane fetch', () => {
  it('wants to know what, and lists what there is', async () => {
    expectRefused(await backplane('fetch'), 'missing-operand', 'qemu kernel full-kernel');
  });

  it('reads all its words before it fetches the first', async () => {
    expectRefused(await backplane('fetch', 'qemu', 'kernal'), 'unknown-operand', "'kernal'", 'kernel');
  });

  it.each(['qemu', 'kernel', 'full-kernel', 'linux-i386'])('says what it needs of this host for %s', async (what) => {
    const said = await backplane('fetch', what);
    expectRefused(said, 'program-missing', "'apt-get'", "'apt'");
    expect(said.progress).toEqual([]);
  });

  it('leaves a shell for linux-i386 beside its busybox, and the options that boot it', () => {
    const cache = join(folder, 'backplane/debian/bookworm-i386');
    const busybox = join(cache, 'busybox-static_1/bin/busybox');
    mkdirSync(join(cache, 'debian-installer-12-netboot-i386_2'), { recursive: true });
    mkdirSync(join(busybox, '..'), { recursive: true });
    writeFileSync(busybox, 'a program');
    const linux = new GuestPackages().linuxI386;
    if (linux === undefined) throw new Error('it is not in the cache');
    const boot = writeShell(linux);
    expect(boot).toEqual([
      '-kernel',
      linux.kernel,
      '-initrd',
      linux.shell,
      '-append',
      expect.stringContaining('ttyS0'),
      '-clock',
      'host',
    ]);
    expect(linux.shell.startsWith(cache)).toBe(true);
    expect(new Uint8Array(readFileSync(linux.shell))).toEqual(shellFiles(Buffer.from('a program'), {}));
  });
});
