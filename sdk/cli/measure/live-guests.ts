import { readFileSync } from 'node:fs';
import type { GuestCode } from '../../accelerator/guest/code.ts';
import { BackplaneError } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import { MiB } from '../../memory/address-range.ts';

/** A guest in machine code that reads its clock again and again. */
export interface ClockGuest {
  /** How the table calls it. */
  readonly title: string;
  readonly ram: number;
  /** What is in the machine's ROM. */
  readonly firmware?: Uint8Array;
  code(ramSize: number): GuestCode;
  /** It prints this on its serial port when it has come so far that it reads its clock only. */
  readonly ready: string;
  /** It has come so far after so many instructions at most. */
  readonly patience: number;
  /** So many instructions are counted, unless the command line says otherwise. */
  readonly instructions: number;
}

export const clockGuests = ['firmware', 'linux'] as const;
type ClockGuestName = (typeof clockGuests)[number];

/** The guest of `-guest NAME`. Default: Linux where it was fetched, and the package's own firmware elsewhere. */
export async function clockGuest(name: string | undefined, environment = process.env): Promise<ClockGuest> {
  if (name !== undefined && !clockGuests.includes(name as ClockGuestName)) {
    throw new BackplaneError(
      'unknown-operand',
      `-guest ${name}: there is no such guest. ${didYouMean(name, clockGuests)}`,
    );
  }
  if (name === 'firmware') return ownFirmware();
  const linux = await linuxClock(environment);
  if (linux !== undefined) return linux;
  if (name === undefined) return ownFirmware();
  throw new BackplaneError(
    'guest-not-fetched',
    "-guest linux: its packages are not in the cache. Run 'backplane fetch linux-i386', or measure the firmware: -guest firmware.",
  );
}

/** It halts between two interrupts of the clock, and shows the time at each. */
async function ownFirmware(): Promise<ClockGuest> {
  const { pcFirmware } = await import('../../../machines/index.ts');
  return {
    title: "the package's own firmware, which shows the time at each interrupt of its clock",
    ram: 128 * MiB,
    firmware: pcFirmware(),
    code: () => ({ name: 'firmware', pieces: [], start: 'reset' }),
    ready: 'Halted.',
    patience: 5_000_000,
    instructions: 2_000_000,
  };
}

/** Undefined where its packages were not fetched. */
async function linuxClock(environment: NodeJS.ProcessEnv): Promise<ClockGuest | undefined> {
  const { GuestPackages } = await import('../../testing/qemu/debian/guest-packages.ts');
  const fetched = new GuestPackages({ environment }).linuxI386;
  if (fetched === undefined) return undefined;
  const { linuxKernel } = await import('../../boot/index.ts');
  const { ShellReady, shellFiles } = await import('../../testing/qemu/linux/i386-shell.ts');
  const initrd = shellFiles(readFileSync(fetched.busybox), { after: [clockLoop] });
  const kernel = readFileSync(fetched.kernel);
  const commandLine = 'console=ttyS0 tsc=reliable cryptomgr.notests';
  return {
    title: `Linux of ${fetched.version}, whose shell reads /proc/driver/rtc in a loop`,
    ram: 48 * MiB,
    code: (ramSize) => linuxKernel({ name: 'linux', kernel, initrd, commandLine, ramSize }),
    ready: ShellReady,
    patience: 600_000_000,
    instructions: 20_000_000,
  };
}

/** The shell itself reads, so that no program is started. The first line of the file is the time. */
const clockLoop = 'while :; do read -r line < /proc/driver/rtc; done';
