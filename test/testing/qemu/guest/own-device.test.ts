import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Edu } from '../../../../devices/index.ts';
import { device, use } from '../../../../sdk/index.ts';
import { GuestPackages } from '../../../../sdk/testing/qemu/debian/guest-packages.ts';
import { type LinuxGuest, linuxGuest, whyNoLinuxGuest } from '../../../../sdk/testing/qemu/index.ts';
import { checkedSettings } from '../../../../sdk/testing/qemu/linux/guest-options.ts';
import { planGuest } from '../../../../sdk/testing/qemu/linux/guest-plan.ts';
import { SavedStates } from '../../../../sdk/testing/qemu/linux/saved-states.ts';
import { needs } from '../../../needs.ts';
import { expectRefusal } from '../../../refusal.ts';
import { ownTemporaryFolder } from '../own-temporary-folder.ts';
import { FaultyCard, whenGood } from './faulty-card.ts';

/** Folders of guests, of this process and its test workers. */
const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('backplane-guest-'));

const folder = ownTemporaryFolder();

const edu = { driver: 'edu' } as const;
const Liveness = 4;

/** What a guest with QEMU's edu does, booted or restored. */
async function expectEdu(guest: LinuxGuest): Promise<void> {
  const bar = guest.bar(0);
  expect(await bar.read32(0)).toBe(0x010000ed);
  await bar.write32(Liveness, 0x12345678);
  expect(await bar.read32(Liveness)).toBe(0xedcba987);
}

describe.each(['pc', 'q35'] as const)(
  "Linux in QEMU's %s, with a device of QEMU",
  needs('qemu', whyNoLinuxGuest()),
  (machine) => {
    const options = {
      machine,
      device: edu,
      modules: ['uio_pci_generic'],
      files: { '/etc/words': fileURLToPath(import.meta.url) },
    };

    it('finds the device that was plugged in after the boot, and starts again from its saved state', async () => {
      await using guest = await linuxGuest({ ...options, warmStart: false });
      await expectEdu(guest);
      await using first = await linuxGuest(options);
      await expectEdu(first);
      await using second = await linuxGuest(options);
      await expectEdu(second);
      expect(await second.read('/etc/words')).toContain('starts again from its saved state');
      expect(await second.dmesg()).toContain('[1234:11e8]');
    });

    it('has the device still after a reset, and a new one after a replug', async () => {
      await using guest = await linuxGuest(options);
      await guest.bar(0).write32(Liveness, 1);
      await guest.replug();
      expect(await guest.bar(0).read32(Liveness)).toBe(0);
      await guest.run('echo 1234 11e8 >/sys/bus/pci/drivers/uio_pci_generic/new_id');
      expect(await guest.interrupts('uio_pci_generic')).toHaveLength(1);
      await guest.reset();
      expect(await guest.interrupts('uio_pci_generic')).toEqual([]);
      await expectEdu(guest);
      await guest.unplug();
      await guest.run(`until [ ! -e /sys/bus/pci/devices/${guest.address} ]; do sleep 0.1; done`);
    });
  },
);

/** QEMUs that this process has started. */
function emulators(): number[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').match(/\d+/g) ?? [];
  const commandLine = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return ''; // It has ended meanwhile.
    }
  };
  return children.filter((pid) => commandLine(pid).includes('qemu-system-x86_64')).map(Number);
}

/** The console of a message ends it, and has at most 40 lines. */
function expectConsole(message: string): void {
  const [, console = ''] = message.split('The end of its console:\n');
  expect(console.split('\n').length).toBeLessThanOrEqual(40);
  expect(console).toMatch(/\[ +\d+\.\d+\] /);
}

describe('a device of ours in a guest', needs('qemu', whyNoLinuxGuest()), () => {
  it('is looked at, traced and plugged in again after one that QEMU refuses', async () => {
    await using guest = await linuxGuest({ device: use(Edu), modules: ['uio_pci_generic'] });
    const lines: string[] = [];
    // The first access to a BAR asks Linux where it is.
    expect(await guest.bar(0).read32(Liveness)).toBe(0);
    guest.device.trace((line) => lines.push(line));
    await guest.bar(0).write32(0x20, 0x80);
    // The class that `use()` was given.
    expect(guest.device.device.status).toBe(0x80);
    // A read of the same register would be in the trace too.
    expect([guest.device.peek(0, 0x20, 4), guest.device.peek(0, 0, 4)]).toEqual([0x80, 0x010000ed]);
    expect([guest.device.peek(1, 0, 4), guest.device.peek(0, 0x10_0000, 1), guest.device.peek(7, 0, 2)]).toEqual(
      new Array(3).fill(undefined),
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('status');
    await expectRefusal(() => guest.replug({ driver: 'no-such' }), 'command-refused', 'no-such');
    expectRefusal(() => guest.device, 'guest-without-device');
    await guest.replug();
    expect(guest.device.peek(0, 0x20, 4)).toBe(0);
    expect(await guest.bar(0).read32(0)).toBe(0x010000ed);
  });

  it('that cannot be made is refused before anything is started', async () => {
    class Broken extends Edu {
      constructor(...of: ConstructorParameters<typeof Edu>) {
        super(...of);
        throw new Error('no such oscillator');
      }
    }
    device({ type: 'broken', description: 'A card that cannot be made' })(Broken as never, {} as never);
    await expect(linuxGuest({ device: use(Broken) })).rejects.toThrow('no such oscillator');
    expect([emulators(), folders()]).toEqual([[], []]);
  });
});

describe('Linux in QEMU', needs('qemu', whyNoLinuxGuest()), () => {
  it('runs a line of shell in a shell of its own, and its status is an error unless that is asked for', async () => {
    await using guest = await linuxGuest();
    expect(await guest.run('cd /tmp; printf "a\\nb"; echo c >&2')).toEqual({ status: 0, output: 'a\nbc\n' });
    expectRefusal(() => guest.device, 'guest-without-device', 'use(MyCard)');
    expect(await guest.run('pwd')).toEqual({ status: 0, output: '/\n' });
    expect(await guest.run('if true\nthen exit 7\nfi', { check: false })).toEqual({ status: 7, output: '' });
    await expectRefusal(
      () => guest.run('cat /nowhere'),
      'guest-command-failed',
      "'cat /nowhere'",
      'status 1',
      'No such file',
    );
    await expectRefusal(
      () => guest.run('echo 150 >/dev/no-card'),
      'guest-command-failed',
      '/dev/no-card',
      'Read-only file system',
    );
    await expectRefusal(
      () => guest.run('echo before; sleep 1000', { timeout: 1000 }),
      'guest-command-timeout',
      'before',
    );
    expect(await guest.run('echo after')).toEqual({ status: 0, output: 'after\n' });
  });

  it('fails what is asked of it when it panics, with the end of its console, and leaves nothing behind', async () => {
    const guest = await linuxGuest();
    await expectRefusal(
      () => guest.run('echo c >/proc/sysrq-trigger'),
      'guest-panic',
      'sysrq triggered crash',
      'Call Trace',
    );
    await expectRefusal(() => guest.run('echo'), 'guest-panic');
    await guest.stop();
    await expectRefusal(() => guest.run('echo'), 'guest-stopped', 'linuxGuest()');
    expect(folders()).toEqual([]);
  });

  it('fails what is asked of it when its QEMU ends or is killed, with the end of its console', async () => {
    for (const finish of ['poweroff', 'kill'] as const) {
      const guest = await linuxGuest();
      await guest.run('echo the last words >/dev/kmsg; dmesg -n 8; echo "<0>and these" >/dev/kmsg');
      const asked = guest.run(finish === 'poweroff' ? 'poweroff -f; sleep 100' : 'sleep 100');
      if (finish === 'kill') for (const pid of emulators()) process.kill(pid, 'SIGKILL');
      const how = finish === 'poweroff' ? 'status 0' : 'SIGKILL';
      expectConsole((await expectRefusal(() => asked, 'emulator-ended', how, 'and these')).message);
      await expectRefusal(() => guest.bar(0).read32(0), 'emulator-ended');
      await guest.stop();
      expect([emulators(), folders()]).toEqual([[], []]);
    }
  });

  it('boots a kernel of a path, with as much memory as it is given, and two at once', async () => {
    const kernel = new GuestPackages().kernel('cloud')?.image as string;
    const options = { kernel, memory: '384M', kernelArguments: `of=${process.pid}` };
    await using one = await linuxGuest(options);
    await using other = await linuxGuest(options);
    for (const guest of [one, other]) {
      const kibibytes = Number(/^MemTotal: +(\d+) kB/m.exec(await guest.read('/proc/meminfo'))?.[1]);
      expect([kibibytes > 300 * 1024, kibibytes < 384 * 1024]).toEqual([true, true]);
    }
    await expectRefusal(() => linuxGuest({ kernel, modules: ['virtio_blk'] }), 'guest-option', "'virtio_blk'");
    await expectRefusal(() => linuxGuest({ kernel: '/nowhere' }), 'guest-option', "'/nowhere'");
  });

  it('boots anew where its saved state is damaged, and saves that', async () => {
    const options = { kernelArguments: `damaged=${process.pid}` };
    const { key } = planGuest(checkedSettings(options));
    await (await linuxGuest(options)).stop();
    const state = new SavedStates().find(key) as string;
    const { size } = statSync(state);
    truncateSync(state, Math.floor(size / 2));
    await using guest = await linuxGuest(options);
    expect(await guest.read('/proc/cmdline')).toContain(options.kernelArguments);
    expect(statSync(state).size).toBeGreaterThan(size / 2);
    await using next = await linuxGuest(options);
    expect(await next.read('/proc/cmdline')).toContain(options.kernelArguments);
    new SavedStates().forget(key);
  });

  it('fails its end by a panic that nothing has reported', async () => {
    const guest = await linuxGuest({ device: use(FaultyCard) });
    await whenGood(guest, 'echo c >/proc/sysrq-trigger');
    guest.device.device.good = 1;
    while (!guest.console.includes('end Kernel panic')) await new Promise((resolve) => setTimeout(resolve, 50));
    await expectRefusal(() => guest.stop(), 'guest-panic', 'sysrq');
    expect(folders()).toEqual([]);
  });

  it('is refused with what it complains of, and nothing is left', async () => {
    const broken = join(folder, 'broken.ko');
    writeFileSync(broken, 'no module');
    await expectRefusal(() => linuxGuest({ modules: [broken] }), 'guest-boot-failed', 'broken.ko');
    await expectRefusal(() => linuxGuest({ device: { driver: 'no-such' } }), 'command-refused', 'no-such');
    await expectRefusal(() => linuxGuest({ kernelArguments: 'mem=16M' }), 'guest-panic');
    expect(folders()).toEqual([]);
  });
});
