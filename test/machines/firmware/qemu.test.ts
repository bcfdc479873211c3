import { describe, expect, it } from 'vitest';
import { whyNoQemu } from '../../../sdk/testing/qemu/process.ts';
import { needs } from '../../needs.ts';
import { inQemu, type RunningFirmware } from './in-qemu.ts';
import { EndOfText, elfKernel, flatKernel, Report } from './kernel.ts';

const isHalted = ({ serial }: RunningFirmware) => serial().includes('Halted. A key restarts the machine.\r\n');
const linesOf = (text: string) => text.split('\r\n');

interface QemuFunction {
  readonly slot: number;
  readonly function: number;
  readonly class_info: { readonly class: number };
  readonly id: { readonly device: number; readonly vendor: number };
  readonly regions: readonly { bar: number; type: 'io' | 'memory'; address: number; size: number }[];
}

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');

/** The lines of the firmware for what QEMU says that is there. The class has two more digits here: any. */
const expectedPci = (functions: readonly QemuFunction[]): string[] =>
  functions.flatMap((one) => [
    `PCI 00:${hex(one.slot, 2)}.${one.function} ${hex(one.id.vendor, 4)}:${hex(one.id.device, 4)} class ${hex(one.class_info.class, 4)}..`,
    ...one.regions
      .filter(({ bar }) => bar < 6)
      .map(({ bar, type, address, size }) => {
        const place = type === 'io' ? 'ports' : 'memory';
        return `  BAR ${bar} ${place} 0x${hex(address, 8)} size 0x${hex(size, 8)}`;
      }),
  ]);

async function functionsOf({ qemu }: RunningFirmware): Promise<QemuFunction[]> {
  const [bus] = (await qemu.qmp.execute('query-pci')) as unknown as { devices: QemuFunction[] }[];
  return bus?.devices ?? [];
}

describe('the firmware in QEMU', needs('qemu', whyNoQemu()), () => {
  const cards = ['-device', 'VGA', '-device', 'e1000', '-device', 'pci-testdev', '-device', 'piix4-usb-uhci'];
  const withMessages = ['-device', 'edu', '-device', 'virtio-rng-pci'];
  it.each([
    { machine: 'pc', processor: 'pentium3,-apic', more: cards },
    { machine: 'pc', processor: 'qemu32', more: withMessages },
    { machine: 'q35', processor: 'pentium3', more: [...cards, ...withMessages] },
  ])('of machine $machine and $processor prints what QEMU says that it has', async ({ machine, processor, more }) => {
    await inQemu({ machine, arguments: ['-cpu', processor, ...more] }, async (firmware) => {
      await firmware.until(() => isHalted(firmware));
      const lines = linesOf(firmware.serial());
      expect(lines.slice(0, 3)).toEqual([
        'backplane firmware',
        'Memory: 640 KiB below 1 MiB, 64512 KiB above',
        'Clock: 2026-02-28 21:43:50',
      ]);
      const pci = lines.filter((line) => /^(PCI| {2}BAR)/.test(line));
      const expected = expectedPci(await functionsOf(firmware));
      expect(pci.map((line) => line.replace(/(class ....)..$/, '$1..'))).toEqual(expected);
      expect(lines.slice(3 + pci.length)).toEqual([
        'No kernel: fw_cfg has no opt/backplane/multiboot',
        'Halted. A key restarts the machine.',
        '',
      ]);
      for (const port of [0xe9, 0x402] as const) {
        expect(firmware.console(port).toString('latin1')).toBe(firmware.serial());
      }
    });
  });

  it('places no two BARs over one another, each at a multiple of its size', async () => {
    await inQemu(
      { arguments: ['-device', 'edu', '-device', 'VGA,vgamem_mb=64', '-device', 'edu'] },
      async (firmware) => {
        await firmware.until(() => isHalted(firmware));
        const bars = (await functionsOf(firmware)).flatMap(({ regions }) => regions);
        const memory = bars
          .filter(({ type, bar }) => type === 'memory' && bar < 6)
          .sort((a, b) => a.address - b.address);
        expect(memory.length).toBe(4);
        for (const [index, { address, size }] of memory.entries()) {
          expect(address % size).toBe(0);
          expect(address).toBeGreaterThanOrEqual(
            Math.max(0xe000_0000, ...memory.slice(0, index).map((bar) => bar.address + bar.size)),
          );
        }
      },
    );
  });

  it('says which BAR has no room', async () => {
    await inQemu({ arguments: ['-device', 'VGA,vgamem_mb=512'] }, async (firmware) => {
      await firmware.until(() => isHalted(firmware));
      expect(firmware.serial()).toContain('  BAR 0 memory no room, size 0x20000000\r\n');
      expect(firmware.serial()).toContain('  BAR 2 memory 0xe0000000 size 0x00001000\r\n');
    });
  });

  it('knows memory of any size, and the last second of a leap year', async () => {
    const options = { megabytes: 6144, rtcBase: '2028-02-29T23:59:59' };
    await inQemu(options, async (firmware) => {
      await firmware.until(() => isHalted(firmware));
      expect(linesOf(firmware.serial()).slice(1, 3)).toEqual([
        'Memory: 640 KiB below 1 MiB, 3144704 KiB above, 3072 MiB above 4 GiB',
        'Clock: 2028-02-29 23:59:59',
      ]);
    });
  });

  it('shows the same on the screen under a banner, whose clock goes on', async () => {
    await inQemu({ arguments: ['-device', 'VGA', '-device', 'edu'] }, async (firmware) => {
      await firmware.until(() => isHalted(firmware));
      const clock = async () =>
        (await firmware.screen())[0]?.match(/^ backplane firmware +([-\d]+ [:\d]+)$/)?.[1] ?? '';
      await firmware.until(async () => (await clock()) > '2026-02-28 21:43:52');
      const [, ...lines] = await firmware.screen();
      const [, ...printed] = linesOf(firmware.serial());
      expect(lines.slice(0, printed.length)).toEqual(printed);
    });
  });

  it('scrolls what is below the banner', async () => {
    const many = Array.from({ length: 16 }, () => ['-device', 'edu']).flat();
    await inQemu({ arguments: ['-device', 'VGA', ...many] }, async (firmware) => {
      await firmware.until(() => isHalted(firmware));
      const [banner, ...lines] = await firmware.screen();
      expect(banner).toContain('backplane firmware');
      expect(lines).toEqual(linesOf(firmware.serial()).slice(-24));
    });
  });

  it('restarts the machine at a key', async () => {
    await inQemu({}, async (firmware) => {
      await firmware.until(() => isHalted(firmware));
      const gone = firmware.qemu.qmp.event('SHUTDOWN');
      await firmware.qemu.qmp.execute('send-key', { keys: [{ type: 'qcode', data: 'a' }] });
      await gone;
      expect(firmware.serial().endsWith('Restart\r\n')).toBe(true);
    });
  });

  it('finds neither PCI nor fw_cfg files on a machine with an ISA bus only', async () => {
    await inQemu({ machine: 'isapc', megabytes: 8 }, async (firmware) => {
      await firmware.until(() => isHalted(firmware));
      expect(linesOf(firmware.serial()).slice(1)).toEqual([
        'Memory: 640 KiB below 1 MiB, 7168 KiB above',
        'Clock: 2026-02-28 21:43:50',
        'No PCI bus',
        'No kernel: fw_cfg has no opt/backplane/multiboot',
        'Halted. A key restarts the machine.',
        '',
      ]);
    });
  });

  it.each([
    ['a flat image with addresses', flatKernel, []],
    ['a flat image without DMA', flatKernel, ['-global', 'fw_cfg.dma_enabled=off']],
    ['an ELF file', elfKernel, []],
  ])('starts %s with what it found', async (_, kernel, more) => {
    const files = { 'opt/backplane/multiboot': kernel(), 'opt/backplane/cmdline': Buffer.from('console=e9 quiet') };
    await inQemu({ files, megabytes: 32, arguments: more }, async (firmware) => {
      await firmware.until(() => firmware.console(0xe9).at(-1) === EndOfText);
      const printed = firmware.console(0xe9);
      const report = printed.subarray(printed.indexOf('Entry')).subarray('Entry 0x00000000\r\n'.length);
      const word = (offset: number) => report.readUInt32LE(offset);
      expect(word(Report.eax)).toBe(0x2bad_b002);
      expect(word(Report.cr0) & 0x8000_0001).toBe(1);
      expect(word(Report.bss)).toBe(0);
      expect([word(Report.info), word(Report.info + 4), word(Report.info + 8)]).toEqual([0x245, 640, 31 * 1024]);
      const map = Array.from({ length: 3 }, (_, entry) => {
        const at = Report.map + 24 * entry;
        return [
          word(at),
          Number(report.readBigUInt64LE(at + 4)),
          Number(report.readBigUInt64LE(at + 12)),
          word(at + 20),
        ];
      });
      expect(map).toEqual([
        [20, 0, 640 * 1024, 1],
        [20, 0xf_0000, 0x1_0000, 2],
        [20, 0x10_0000, 31 * 2 ** 20, 1],
      ]);
      expect(report.subarray(Report.size).toString('latin1')).toBe(`console=e9 quiet${String.fromCharCode(EndOfText)}`);
    });
  });

  it.each([
    ['without a header', new Uint8Array(10_000), 'No multiboot header in the first 8 KiB'],
    ['of one byte', new Uint8Array(1), 'No multiboot header in the first 8 KiB'],
    ['that wants a video mode', elfKernel({ flags: 4 }), 'The multiboot header wants more than memory and modules'],
    ['below 1 MiB', elfKernel({ physical: 0x7000 }), 'The kernel does not fit its file or the memory above 1 MiB'],
    [
      'behind the end of memory',
      elfKernel({ physical: 64 << 20 }),
      'The kernel does not fit its file or the memory above 1 MiB',
    ],
    [
      'at the end of 4 GiB',
      elfKernel({ physical: 0xffff_f000 }),
      'The kernel does not fit its file or the memory above 1 MiB',
    ],
    ['whose file is cut', elfKernel({ fileSize: 0x800 }), 'The kernel does not fit its file or the memory above 1 MiB'],
  ])('refuses a kernel %s, and halts', async (_, image, sentence) => {
    await inQemu({ files: { 'opt/backplane/multiboot': image } }, async (firmware) => {
      await firmware.until(() => isHalted(firmware));
      expect(linesOf(firmware.serial()).at(-3)).toBe(sentence);
    });
  });
});
