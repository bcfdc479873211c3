import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pcFirmware } from '../../../machines/index.ts';
import { QemuProcess } from '../../../sdk/testing/qemu/process.ts';

/** The firmware in a QEMU that runs. */
export interface RunningFirmware {
  readonly qemu: QemuProcess;
  /** What COM1 has sent so far. */
  serial(): string;
  /** What the debug console at a port has printed so far. */
  console(port: 0xe9 | 0x402): Buffer;
  /** Waits until the condition holds; fails with the serial output where it does not come to hold. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
  /** The text screen: 25 lines. */
  screen(): Promise<string[]>;
}

export interface FirmwareOptions {
  readonly machine?: string;
  readonly megabytes?: number;
  readonly rtcBase?: string;
  /** Files of fw_cfg by name. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly arguments?: readonly string[];
}

const Patience = 60_000;
const Page = { start: 0xb_8000, columns: 80, rows: 25 } as const;

/** Runs the firmware in QEMU, whose time is counted in instructions. */
export async function inQemu<T>(options: FirmwareOptions, body: (firmware: RunningFirmware) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'backplane-firmware-'));
  const at = (name: string) => join(folder, name);
  writeFileSync(at('firmware'), pcFirmware());
  const files = Object.entries(options.files ?? {}).flatMap(([name, bytes], index) => {
    writeFileSync(at(`file${index}`), bytes);
    return ['-fw_cfg', `name=${name},file=${at(`file${index}`)}`];
  });
  const consoles = ([0xe9, 0x402] as const).flatMap((port) => [
    ...['-chardev', `file,id=console${port},path=${at(`console${port}`)}`],
    ...['-device', `isa-debugcon,iobase=${port},chardev=console${port}`],
  ]);
  const { machine = 'pc', megabytes = 64, rtcBase = '2026-02-28T21:43:50', arguments: more = [] } = options;
  const words = ['-bios', at('firmware'), '-m', String(megabytes), '-serial', `file:${at('serial')}`];
  const time = ['-icount', 'shift=3,sleep=off', '-no-reboot'];
  const text = (name: string) => readFileSync(at(name));
  try {
    const all = { machine, rtcBase, arguments: [...words, ...time, ...consoles, ...files, ...more] };
    return await QemuProcess.with(all, async (qemu) => {
      await qemu.qmp.execute('cont');
      const serial = () => text('serial').toString('latin1');
      return body({
        qemu,
        serial,
        console: (port) => text(`console${port}`),
        async until(condition) {
          const end = performance.now() + Patience;
          while (!(await condition())) {
            if (performance.now() > end) throw new Error(`the firmware did not come so far:\n${serial()}`);
            await pause(20);
          }
        },
        async screen() {
          await qemu.qmp.execute('pmemsave', {
            val: Page.start,
            size: 2 * Page.columns * Page.rows,
            filename: at('screen'),
          });
          const cells = text('screen');
          return Array.from({ length: Page.rows }, (_, row) =>
            Array.from({ length: Page.columns }, (_, column) =>
              String.fromCharCode(cells[2 * (row * Page.columns + column)] ?? 0),
            )
              .join('')
              .trimEnd(),
          );
        },
      });
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
