import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printableLines } from '../../sdk/base/text.ts';
import { end, launch } from '../../sdk/testing/qemu/child.ts';
import { within } from '../../sdk/testing/qemu/emulator.ts';
import { writePieces } from '../../sdk/testing/qemu/linux/newc-archive.ts';
import { findQemu, whyNoQemu } from '../../sdk/testing/qemu/process.ts';
import { Refusal } from './refusal.ts';

export interface BootOptions {
  /** The kernel's file. */
  readonly kernel: string;
  /** The initramfs, in pieces. Its `/init` ends by powering the machine off. */
  readonly initramfs: readonly Uint8Array[];
  /** Milliseconds in which the machine must have powered itself off. */
  readonly timeout: number;
  /** In MiB. */
  readonly memory: number;
  /** Default: what `findQemu()` finds. */
  readonly binary?: string;
  /** More arguments of QEMU. */
  readonly arguments?: readonly string[];
  readonly onLine: (line: string) => void;
}

const LongestConsole = 4000;

/**
 * Boots Linux on an emulated processor, without network and disks, until it powers itself off. What it prints on its serial
 * console comes line by line.
 */
export async function bootLinux(options: BootOptions): Promise<void> {
  const { kernel, timeout, memory, arguments: more = [], onLine } = options;
  const binary = options.binary ?? findQemu();
  if (binary === undefined) throw new Refusal(`QEMU: cannot start it: ${whyNoQemu()}`);
  const folder = mkdtempSync(join(tmpdir(), 'backplane-linux-'));
  try {
    const initramfs = join(folder, 'initramfs');
    writePieces(initramfs, options.initramfs);
    await untilPoweredOff(
      binary,
      [
        ...['-accel', 'tcg', '-cpu', 'max', '-m', `${memory}`, '-smp', '1', '-nic', 'none', '-nographic', '-no-reboot'],
        ...['-kernel', kernel, '-initrd', initramfs],
        // Without panic=-1 a kernel that cannot go on waits for ever. Its check of the timer fails where the host is very busy.
        ...['-append', 'console=ttyS0 quiet panic=-1 no_timer_check'],
        ...more,
      ],
      { timeout, onLine },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function untilPoweredOff(
  binary: string,
  args: readonly string[],
  { timeout, onLine }: Pick<BootOptions, 'timeout' | 'onLine'>,
): Promise<void> {
  const child = launch(binary, args, 'pipe');
  let [last, rest, complaint] = ['', '', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    last = (last + text).slice(-LongestConsole);
    const lines = (rest + text).split(/\r*\n/);
    rest = lines.pop() as string;
    for (const line of lines) onLine(line);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-LongestConsole);
  });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => child.stdio[3]?.destroy());
    child.on('close', (status, signal) => resolve(status ?? signal));
  });
  try {
    const how = await within(timeout, ended);
    if (how === undefined) {
      const said = printableLines(last.replaceAll('\r', '').trim()) || 'nothing';
      const limit = Math.round(timeout / 1000);
      throw new Refusal(`QEMU: Linux did not power off within ${limit} s. The end of its console:\n${said}`);
    }
    if (rest !== '') onLine(rest);
    if (how !== 0) throw new Refusal(`QEMU: '${binary}' ended with ${how}: ${printableLines(complaint.trim())}`);
  } finally {
    await end(child);
  }
}
