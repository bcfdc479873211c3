import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackplaneError } from '../../../sdk/base/errors.ts';
import { hostRelease } from '../../../sdk/testing/qemu/debian/guest-packages.ts';
import { LinuxI386 } from '../../../sdk/testing/qemu/debian/linux-i386.ts';
import { LinuxKernel } from '../../../sdk/testing/qemu/debian/linux-kernel.ts';
import { PackageCache } from '../../../sdk/testing/qemu/debian/package-cache.ts';
import { NewcArchive } from '../../../sdk/testing/qemu/linux/newc-archive.ts';
import { VirtualMachine } from '../../../sdk/testing/qemu/linux/virtual-machine.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backplane-linux-guest-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, text: string | Uint8Array): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** A shell script in the place of a program. */
function program(path: string, ...lines: string[]): string {
  const file = put(path, ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(file, 0o755);
  return file;
}

async function refusal(what: () => unknown): Promise<{ code: string; message: string }> {
  try {
    await what();
  } catch (cause) {
    expect(cause).toBeInstanceOf(BackplaneError);
    const { code, message } = cause as BackplaneError;
    return { code, message };
  }
  throw new Error('it was not refused');
}

/** Reads an archive by the field widths of the format: name, mode and content of each entry. */
function entriesOf(bytes: Buffer): { name: string; mode: number; content: string }[] {
  const entries = [];
  for (let at = 0; ; ) {
    expect(bytes.toString('latin1', at, at + 6)).toBe('070701');
    const field = (index: number) =>
      Number.parseInt(bytes.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    const name = bytes.toString('utf8', at + 110, at + 110 + nameSize - 1);
    const start = Math.ceil((at + 110 + nameSize) / 4) * 4;
    if (name === 'TRAILER!!!') return entries;
    entries.push({ name, mode, content: bytes.toString('utf8', start, start + size) });
    at = Math.ceil((start + size) / 4) * 4;
  }
}

describe('an initramfs', () => {
  it('has each file behind its folders, in the format that Linux unpacks', () => {
    const archive = new NewcArchive();
    archive.file('a/b/one', 'hello', 0o755);
    archive.file('a/b/two', '');
    archive.link('bin/sh', 'busybox');
    archive.folder('proc');
    expect(entriesOf(Buffer.concat(archive.finish()))).toEqual([
      { name: 'a', mode: 0o40755, content: '' },
      { name: 'a/b', mode: 0o40755, content: '' },
      { name: 'a/b/one', mode: 0o100755, content: 'hello' },
      { name: 'a/b/two', mode: 0o100644, content: '' },
      { name: 'bin', mode: 0o40755, content: '' },
      { name: 'bin/sh', mode: 0o120777, content: 'busybox' },
      { name: 'proc', mode: 0o40755, content: '' },
    ]);
  });
});

describe("a kernel of Debian's", () => {
  const module = (depends: string) => Buffer.from(`ELF\0license=GPL\0depends=${depends}\0name=x\0`);

  function kernel(): LinuxKernel {
    put('image/boot/vmlinuz-6.9-cloud-amd64', 'kernel');
    put('image/usr/lib/modules/6.9/kernel/virt/irqbypass.ko', module(''));
    put('image/usr/lib/modules/6.9/kernel/kvm/kvm.ko', module('irqbypass'));
    put('image/usr/lib/modules/6.9/kernel/kvm/kvm-amd.ko', module('kvm'));
    return new LinuxKernel({ name: 'linux-image-6.9-cloud-amd64', version: '6.9-1', folder: join(folder, 'image') });
  }

  it('gives modules behind what they depend on, by either spelling of a name', () => {
    const names = kernel().modules(['kvm_amd', 'irqbypass']);
    expect(names.map(({ name }) => name)).toEqual(['irqbypass', 'kvm', 'kvm-amd']);
    expect(readFileSync(kernel().image, 'utf8')).toBe('kernel');
  });

  it('says which module it has not', async () => {
    const { code, message } = await refusal(() => kernel().modules(['i2c-i801']));
    expect([code, message]).toEqual(['kernel-module-missing', expect.stringContaining("no module 'i2c-i801'")]);
  });
});

describe('packages of another suite', () => {
  const Suite = 'some-suite';
  /** apt and dpkg that do as the real ones, with an archive of one package. */
  function fakeApt(changed: Readonly<Record<string, readonly string[]>> = {}): void {
    const programs: Record<string, readonly string[]> = {
      'apt-get': [
        'case "$*" in',
        '  indextargets*) echo file:/archive ;;',
        '  *download-only*) debs=`echo "$6" | cut -d = -f 2`; : > "$debs/tool_2%3a1.10_amd64.deb"; : > "$debs/libtool_1_amd64.deb" ;;',
        '  *download*) : > "tool_2%3a1.10_amd64.deb"; echo x >> "$FETCHED" ;;',
        'esac',
      ],
      'apt-cache': [
        'echo "Package: tool"',
        'echo "Version: 2:1.10"',
        'echo "Depends: tool-data (>= 1) | other, libc6"',
      ],
      dpkg: [
        'if [ "$1" = -x ]; then mkdir -p "$3/bin"; echo tool > "$3/bin/`basename "$2" | cut -d _ -f 1`"; exit; fi',
        '[ "$(printf "%s\\n%s\\n" "$2" "$4" | sort -V | tail -n 1)" = "$2" ]',
      ],
    };
    for (const [name, lines] of Object.entries({ ...programs, ...changed })) program(`bin/${name}`, ...lines);
  }
  const cache = (
    environment: NodeJS.ProcessEnv = {},
    keyring = put('keyring', ''),
    architecture?: string,
  ): PackageCache =>
    new PackageCache({
      suite: Suite,
      ...(architecture === undefined ? {} : { architecture }),
      others: ['older-suite'],
      keyring,
      environment: {
        PATH: [join(folder, 'bin'), '/usr/bin', '/bin'].join(delimiter),
        XDG_CACHE_HOME: join(folder, 'cache'),
        FETCHED: join(folder, 'fetched'),
        ...environment,
      },
    });

  it('are kept unpacked by their version, and downloaded once', async () => {
    fakeApt();
    const packages = cache();
    expect(packages.newest(/^tool$/)).toBeUndefined();
    const first = await packages.fetch('tool');
    expect(first).toMatchObject({ name: 'tool', version: '2:1.10' });
    expect(readFileSync(join(first.folder, 'bin/tool'), 'utf8')).toBe('tool\n');
    expect(await cache().fetch('tool')).toEqual(first);
    expect(readFileSync(join(folder, 'fetched'), 'utf8')).toBe('x\n');
    expect(await packages.dependency('tool', /^tool-/)).toBe('tool-data');
    // Nothing half done is left.
    expect(readdirSync(packages.folder).sort()).toEqual(['.apt', 'tool_2%3a1.10']);
  });

  it('are taken from the cache in their newest version, in the order of versions', () => {
    fakeApt();
    for (const version of ['2:1.9', '2:1.10', '1:7'])
      mkdirSync(join(cache().folder, `tool_${version.replaceAll(':', '%3a')}`), { recursive: true });
    expect(cache().newest(/^tool$/)?.version).toBe('2:1.10');
  });

  it('come from the mirror that is asked for, with the keys of Debian', async () => {
    fakeApt();
    await cache({ BACKPLANE_DEBIAN_MIRROR: 'file:/mirror' }).fetch('tool');
    const sources = readFileSync(join(cache().folder, '.apt/sources.list'), 'utf8');
    const from = (suite: string) => `deb [signed-by=${join(folder, 'keyring')}] file:/mirror ${suite} main\n`;
    expect(sources).toBe(from(Suite) + from('older-suite'));
    expect(readFileSync(join(cache().folder, '.apt/apt.conf'), 'utf8')).toContain(`APT::Default-Release "${Suite}";`);
  });

  it('are of another architecture where that is asked for, in a folder of their own', async () => {
    fakeApt();
    const other = cache({}, undefined, 'i386');
    await other.fetch('tool');
    expect(other.folder).toBe(`${cache().folder}-i386`);
    expect(cache().newest(/^tool$/)).toBeUndefined();
    const configured = readFileSync(join(other.folder, '.apt/apt.conf'), 'utf8');
    expect(configured).toContain('APT::Architecture "i386";\nAPT::Architectures "i386";');
    await cache().fetch('tool');
    expect(readFileSync(join(cache().folder, '.apt/apt.conf'), 'utf8')).toContain('APT::Architecture "amd64";');
  });

  it('are a Linux of 32 bits once the kernel and busybox are both there', () => {
    fakeApt();
    const packages = cache({}, undefined, 'i386');
    mkdirSync(join(packages.folder, 'debian-installer-12-netboot-i386_2'), { recursive: true });
    expect(LinuxI386.cached(packages)).toBeUndefined();
    mkdirSync(join(packages.folder, 'busybox-static_1'));
    const { version, busyboxVersion, kernel, busybox } = LinuxI386.cached(packages) as LinuxI386;
    expect([version, busyboxVersion]).toEqual(['2', '1']);
    expect(kernel).toMatch(/netboot-i386_2.*\/i386\/linux$/);
    expect(busybox).toMatch(/busybox-static_1\/bin\/busybox$/);
  });

  it('are kept in one folder with all that they depend on, where that is asked for', async () => {
    fakeApt();
    const { folder: closure } = await cache().fetchClosure('tool', (content) =>
      symlinkSync('.', join(content, 'self')),
    );
    expect(readdirSync(closure)).toContain('self');
    expect(readdirSync(join(closure, 'bin')).sort()).toEqual(['libtool', 'tool']);
    expect(cache().newest(/^tool$/)?.folder).toBe(closure);
    expect(readdirSync(cache().folder).sort()).toEqual(['.apt', 'tool_2%3a1.10']);
  });

  it('are of the release that the host is, where the host is a Debian', () => {
    const debian = put('os-release', 'NAME="Debian"\nID=debian\nVERSION_CODENAME=bookworm\n');
    expect(hostRelease(debian)).toBe('bookworm');
    expect(hostRelease(put('other', 'ID=ubuntu\nVERSION_CODENAME=noble\n'))).toBeUndefined();
    expect(hostRelease('/nowhere')).toBeUndefined();
  });

  it.each([
    ['program-missing', "'apt-get'", {}, { PATH: '/nowhere' }],
    ['debian-mirror', 'BACKPLANE_DEBIAN_MIRROR is', {}, { BACKPLANE_DEBIAN_MIRROR: 'no address' }],
    ['debian-mirror', 'no archive of Debian', { 'apt-get': ['true'] }, {}],
    [
      'archive-unreachable',
      'no route',
      { 'apt-get': ['case "$*" in indextargets*) echo file:/archive ;; *) echo no route >&2; exit 100 ;; esac'] },
      {},
    ],
    ['program-failed', 'is broken', { dpkg: ['echo the package is broken >&2', 'exit 2'] }, {}],
    ['archive-package', 'no file', { 'apt-get': ['case "$*" in indextargets*) echo file:/archive ;; esac'] }, {}],
  ] as const)('say what is missing: %s', async (code, named, programs, environment) => {
    fakeApt(programs);
    const refused = await refusal(() => cache(environment).fetch('tool'));
    expect([refused.code, refused.message]).toEqual([code, expect.stringContaining(named)]);
  });

  it('say that the keys are missing', async () => {
    fakeApt();
    const { code, message } = await refusal(() => cache({}, '/nowhere/keyring').fetch('tool'));
    expect([code, message]).toEqual([
      'archive-keyring-missing',
      expect.stringContaining("Install 'debian-archive-keyring'"),
    ]);
  });
});

/** In the place of QEMU: greets on the monitor, prints the initramfs on the console, and has no shell. */
const withoutShell = `
const sockets = new Map([...process.argv.join(' ').matchAll(/path=([^,]+),id=([a-z]+)/g)].map(([, path, id]) => [id, require('net').connect(path)]));
sockets.get('console').write(require('fs').readFileSync(process.argv[process.argv.indexOf('-initrd') + 1]));
const reply = (value) => sockets.get('qmp').write(JSON.stringify(value) + '\\n');
sockets.get('qmp').on('data', () => reply({ return: {} }));
reply({ QMP: { version: {} } });
`;

describe('Linux in a virtual machine', () => {
  it('that has no shell in time is ended, with the end of its console', async () => {
    const qemu = { path: 'qemu', program: process.execPath, args: ['-e', withoutShell, '--'], env: {} };
    const initramfs = [Buffer.from('it '), Buffer.from('hangs\n')];
    const plan = { qemu, image: '/kernel', initramfs, machineArguments: [], key: '' };
    const { code, message } = await refusal(() => VirtualMachine.boot(plan, folder, 100));
    expect([code, message]).toEqual(['guest-linux-timeout', expect.stringMatching(/within 0.1 s\..*\n\s*it hangs/s)]);
  });
});
