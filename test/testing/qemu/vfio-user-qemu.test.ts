import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeQemuScript } from '../../../sdk/testing/qemu/debian/relocation.ts';
import { QemuProcess, vfioUserQemu } from '../../../sdk/testing/qemu/index.ts';
import { vfioUserCommand } from '../../../sdk/testing/qemu/vfio-user-qemu.ts';
import { needs } from '../../needs.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backplane-vfio-user-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An emulator that knows its version, and whether it has the device. Its status is 0 for both, as QEMU's is. */
function emulator(path: string, version: string, hasDevice: boolean): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    [
      '#!/bin/sh',
      `case "$*" in *vfio-user-pci,help*) ${hasDevice ? 'echo vfio-user-pci options:' : 'echo no such device >&2'} ;; *) echo "QEMU emulator version ${version} (x)" ;; esac`,
      '',
    ].join('\n'),
  );
  chmodSync(file, 0o755);
  return file;
}

const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PATH: `${join(folder, 'bin')}:/usr/bin:/bin`,
  XDG_CACHE_HOME: join(folder, 'cache'),
  ...more,
});
const onPath = 'bin/qemu-system-x86_64';

describe('a QEMU that plugs in devices of other processes', () => {
  it('is the one on PATH, if it has the device', () => {
    const path = emulator(onPath, '10.1.0', true);
    expect(vfioUserQemu(environment())).toEqual({ path, program: path, args: [], env: {} });
  });

  it('is the fetched one where the one on PATH is too old, started through its own loader', () => {
    emulator(onPath, '7.2.22', false);
    const fetched = join(folder, 'cache/backplane/debian/trixie-backports/qemu-system-x86_1%3a11.1.3');
    mkdirSync(fetched, { recursive: true });
    const libraries = join(fetched, 'usr/lib/x86_64-linux-gnu');
    const path = join(fetched, 'usr/bin/qemu-system-x86_64');
    expect(vfioUserQemu(environment())).toEqual({
      path,
      program: join(libraries, 'ld-linux-x86-64.so.2'),
      args: ['--library-path', `${libraries}:${libraries}/systemd`, path],
      env: {},
    });
  });

  it('is not called too old where it was ended before it could answer, as one that takes too long is', () => {
    const path = emulator('slow', '11.0.0', true);
    writeFileSync(path, '#!/bin/sh\nkill -TERM $$\n');
    const why = vfioUserQemu(environment({ QTEST_QEMU_BINARY: path })) as string;
    expect(why).toMatch(
      /slow' did not say which devices it has, and was ended by SIGTERM within 60 s\. Start it by hand\.$/,
    );
  });

  it('is started by hand by its name on PATH, by its path, or by the script beside the fetched one', () => {
    const fetched = join(folder, 'cache/backplane/debian/trixie-backports/qemu-system-x86_1%3a11.1.3');
    expect(vfioUserCommand(environment())).toBe('qemu-system-x86_64');
    emulator(onPath, '7.2.22', false);
    mkdirSync(fetched, { recursive: true });
    expect(vfioUserCommand(environment())).toBe('qemu-system-x86_64');
    const script = writeQemuScript(fetched);
    expect(vfioUserCommand(environment())).toBe(script);
    const mine = emulator('mine', '11.0.0', true);
    expect(vfioUserCommand(environment({ QTEST_QEMU_BINARY: mine }))).toBe(mine);
    emulator(onPath, '10.1.0', true);
    expect(vfioUserCommand(environment())).toBe('qemu-system-x86_64');
  });

  it('is started by that script through its own loader, from wherever and by whatever name', () => {
    const fetched = join(folder, 'a folder, with a comma');
    const libraries = join(fetched, 'usr/lib/x86_64-linux-gnu');
    mkdirSync(libraries, { recursive: true });
    const loader = join(libraries, 'ld-linux-x86-64.so.2');
    writeFileSync(loader, '#!/bin/sh\nprintf "<%s>" "$@"\n');
    chmodSync(loader, 0o755);
    const link = join(folder, 'link');
    symlinkSync(writeQemuScript(fetched), link);
    expect(execFileSync(link, ['-m', 'two words'], { cwd: '/', encoding: 'utf8' })).toBe(
      `<--library-path><${libraries}:${libraries}/systemd><${fetched}/usr/bin/qemu-system-x86_64><-m><two words>`,
    );
    expect(writeQemuScript(fetched)).toBe(join(fetched, 'qemu-system-x86_64'));
  });

  it('is the one that QTEST_QEMU_BINARY names, and no other', () => {
    emulator(onPath, '10.1.0', true);
    const path = emulator('mine', '11.0.0', true);
    expect(vfioUserQemu(environment({ QTEST_QEMU_BINARY: path }))).toMatchObject({ path });
    const old = emulator('old', '10.0.13', false);
    expect(vfioUserQemu(environment({ QTEST_QEMU_BINARY: old }))).toBe(
      `QEMU of version 10.0.13 at '${old}' has no device 'vfio-user-pci': version 10.1 or later has it.`,
    );
    expect(vfioUserQemu(environment({ QTEST_QEMU_BINARY: '/nowhere' }))).toContain(
      "QTEST_QEMU_BINARY names '/nowhere'",
    );
  });

  it('is missing for a reason, and the reason says how to get one', () => {
    expect(vfioUserQemu({ ...environment(), PATH: '/nowhere' })).toMatch(
      /is not on PATH .* 'npx backplane fetch qemu'/,
    );
    const path = emulator(onPath, '7.2.22', false);
    expect(vfioUserQemu(environment())).toMatch(
      new RegExp(`version 7.2.22 at '${path}' .* 'npx backplane fetch qemu'`),
    );
  });
});

const found = vfioUserQemu();

describe('the QEMU that was found', needs('qemu', typeof found === 'string' ? found : undefined), () => {
  it('starts with its own modules, and has the device', async () => {
    if (typeof found === 'string') return;
    const types = await QemuProcess.with({ binary: found }, async ({ qmp }) =>
      qmp.execute('qom-list-types', { implements: 'pci-device' }),
    );
    expect(types).toContainEqual(expect.objectContaining({ name: 'vfio-user-pci' }));
  });
});
