import { beforeAll, describe, expect, it } from 'vitest';
import { Vga, VirtioRng } from '../../../devices/index.ts';
import { pcI440fx } from '../../../machines/index.ts';
import { type MachineDefinition, use } from '../../../sdk/index.ts';
import { linuxI386, shellInitramfs } from '../../linux-i386.ts';
import { needs } from '../../needs.ts';
import { commands } from './commands.ts';
import { BootLimit, LinuxPc, type SavedLinux, whyNoLinux } from './linux-pc.ts';
import { kernelModules } from './modules.ts';

const slow = { ...needs('host', whyNoLinux()), tags: 'slow' };

describe('Linux of 32 bits on the PC', slow, () => {
  let booted: SavedLinux;
  let instructions: number;
  const restored = (): Promise<LinuxPc> => LinuxPc.create({}, booted);

  beforeAll(async () => {
    if (whyNoLinux() !== undefined) return;
    const linux = await LinuxPc.create();
    instructions = linux.untilShell();
    booted = linux.save();
  });

  it('has its shell within 380 million instructions', () => {
    expect(instructions).toBeLessThan(380_000_000);
  });

  it('answers twenty commands', async () => {
    const linux = await restored();
    for (const [line, check] of commands) check(linux.command(line), linux);
    expect(commands).toHaveLength(20);
    expect(linux.machine.guestErrors).toEqual([]);
  });

  it('reads a line that is typed on the keyboard', async () => {
    const linux = await restored();
    expect(linux.command('cat /proc/bus/input/devices')).toMatch(/Keyboard|keyboard/);
    linux.terminal.send('head -n 1 /dev/tty1\n');
    linux.run(2_000_000);
    linux.keys.send('Hello, 8042!\n');
    expect(linux.terminal.waitFor('!\r\n', 20_000_000)).toContain('Hello, 8042');
  });

  it('comes back to its shell after a reboot', async () => {
    const linux = await restored();
    linux.terminal.send('echo gone > /tmp/file; reboot -f\n');
    expect(linux.terminal.waitFor('Linux version', 100_000_000)).toContain('reboot: machine restart');
    linux.untilShell();
    expect(linux.command('cat /tmp/file')).toContain('No such file');
  });

  it('halts for ever where it is switched off, since it knows no ACPI', async () => {
    const linux = await restored();
    linux.terminal.send('poweroff -f\n');
    const { reason } = linux.run(40_000_000);
    expect(linux.terminal.received).toContain('reboot: System halted');
    expect(reason).toBe('halted');
  });
});

describe('Linux of 32 bits on a screen', slow, () => {
  it('has its shell on the VGA card and the keyboard', async () => {
    const linux = await LinuxPc.create({
      commandLine: 'console=tty0 tsc=reliable cryptomgr.notests',
      textScreen: true,
    });
    const screen = () => linux.machine.device(Vga);
    while (!screen().text().endsWith('/ #') && linux.terminal.instructions < BootLimit) linux.run(1_000_000);
    linux.keys.send('uname -m; echo $((6 * 7))\n');
    linux.run(10_000_000);
    const lines = ['/ # uname -m; echo $((6 * 7))', 'i686', '42', '/ #'];
    expect(screen().text().split('\n').slice(-lines.length)).toEqual(lines);
    expect(linux.terminal.received).toBe('');
  });
});

describe('a driver of Linux of 32 bits', slow, () => {
  it('falls back from MSI-X to the interrupt line of its virtio card, since there is no APIC', async () => {
    const names = [
      'virtio.ko',
      'virtio_ring.ko',
      'virtio_pci_legacy_dev.ko',
      'virtio_pci_modern_dev.ko',
      'virtio_pci.ko',
      'virtio-rng.ko',
    ];
    const linux = await LinuxPc.boot({
      definition: {
        ...pcI440fx,
        devices: [...pcI440fx.devices, use(VirtioRng, { id: 'rng', addr: '06.0', options: { seed: 1 } })],
      } as MachineDefinition,
      initrd: shellInitramfs(linuxI386(), { after: ['stty cols 250'], files: kernelModules(...names) }),
    });
    for (const name of names) linux.command(`insmod /modules/${name}`, 300_000_000);
    // Linux prints a message of its own into the line that is typed.
    expect(linux.command('cat /sys/class/misc/hw_random/rng_current')).toMatch(/^virtio_rng\.0$/m);
    const irq = linux.command('cat /sys/bus/pci/devices/0000:00:06.0/irq').trim();
    const count = () =>
      new RegExp(`^ *${irq}: +(\\d+) +XT-PIC +virtio0$`, 'm').exec(linux.command('cat /proc/interrupts'))?.[1];
    const before = Number(count());
    expect(linux.command('dd if=/dev/hwrng bs=64 count=4 | wc -c')).toContain('256\n');
    expect(Number(count())).toBeGreaterThan(before);
    expect(linux.command('ls /sys/bus/pci/devices/0000:00:06.0/msi_irqs')).toBe('');
  });
});
