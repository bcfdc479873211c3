import { readFileSync } from 'node:fs';
import type { QemuOptions, QemuProcess } from '../../../sdk/testing/qemu/process.ts';

/** What QEMU's monitor printed about the memory of one machine, at one moment. */
export interface Capture {
  /** QEMU's version and how the machine was made. */
  readonly title: string;
  /** `info mtree` */
  readonly tree: string;
  /** `info mtree -D`: the same with disabled regions */
  readonly everything: string;
  /** `info mtree -f` */
  readonly flat: string;
}

export interface Scenario {
  readonly name: string;
  readonly qemu: QemuOptions;
  /** What is done to the machine before its memory is printed. */
  readonly prepare?: (qemu: QemuProcess) => Promise<void>;
}

export const scenarios: readonly Scenario[] = [
  { name: 'pc', qemu: { machine: 'pc' } },
  { name: 'isapc', qemu: { machine: 'isapc' } },
  { name: 'q35', qemu: { machine: 'q35' } },
  {
    name: 'pc-after-firmware',
    qemu: { machine: 'pc', arguments: ['-device', 'VGA', '-device', 'e1000', '-m', '4G'] },
    prepare: placeWhatFirmwarePlaces,
  },
];

const Commands = { tree: 'info mtree', everything: 'info mtree -D', flat: 'info mtree -f' } as const;

export async function capture(qemu: QemuProcess, { name, prepare, qemu: options }: Scenario): Promise<Capture> {
  await prepare?.(qemu);
  const machine = [`-machine ${options.machine ?? 'pc'}`, ...(options.arguments ?? [])].join(' ');
  return {
    title: `${name}: QEMU ${qemu.version} ${machine}`,
    tree: await qemu.qmp.humanMonitor(Commands.tree),
    everything: await qemu.qmp.humanMonitor(Commands.everything),
    flat: await qemu.qmp.humanMonitor(Commands.flat),
  };
}

export function captureFile(name: string): URL {
  return new URL(`../captured/mtree-${name}.txt`, import.meta.url);
}

export function formatCapture({ title, tree, everything, flat }: Capture): string {
  const sections = [
    [Commands.tree, tree],
    [Commands.everything, everything],
    [Commands.flat, flat],
  ];
  return `${title}\n${sections.map(([command, text]) => `(qemu) ${command}\n${text}`).join('')}`;
}

export function readCapture(name: string): Capture {
  const [title = '', tree = '', everything = '', flat = ''] = readFileSync(captureFile(name), 'utf8').split(
    /^\(qemu\) .*\n/m,
  );
  return { title: title.trim(), tree, everything, flat };
}

/** Gives every mode of PAM to some area, opens SMRAM, places the power management ports and the cards' BARs. */
async function placeWhatFirmwarePlaces({ qtest }: QemuProcess): Promise<void> {
  const write = async (device: number, fn: number, register: number, value: number) => {
    await qtest.out32(0xcf8, (0x8000_0000 | (device << 11) | (fn << 8) | register) >>> 0);
    await qtest.out32(0xcfc, value);
  };
  const HostBridge = [0, 0] as const;
  const PowerManagement = [1, 3] as const;
  await write(...HostBridge, 0x58, 0x3210_3000);
  await write(...HostBridge, 0x5c, 0x1111_3322);
  await write(...HostBridge, 0x70, 0x004a_0000);
  await write(...PowerManagement, 0x40, 0x0000_0601);
  await write(...PowerManagement, 0x80, 0x0000_0001);
  await write(2, 0, 0x10, 0xfd00_0000);
  await write(2, 0, 0x18, 0xfebf_0000);
  await write(2, 0, 0x04, 0x0000_0003);
  await write(3, 0, 0x10, 0xfebc_0000);
  await write(3, 0, 0x14, 0x0000_c000);
  await write(3, 0, 0x04, 0x0000_0007);
}
