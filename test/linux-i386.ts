import { readFileSync } from 'node:fs';
import { gzipSync } from 'fflate';
import { GuestPackages } from '../sdk/testing/qemu/debian/guest-packages.ts';
import type { LinuxI386 } from '../sdk/testing/qemu/debian/linux-i386.ts';
import {
  type ShellFilesOptions,
  ShellReady,
  shellFiles,
  whyNoLinuxI386,
} from '../sdk/testing/qemu/linux/i386-shell.ts';

/** The Linux of 32 bits and its busybox, out of the cache. Only where `whyNoLinuxI386()` answers undefined. */
export function linuxI386(): LinuxI386 {
  const fetched = new GuestPackages().linuxI386;
  if (fetched === undefined) throw new Error(whyNoLinuxI386());
  return fetched;
}

export { ShellReady, whyNoLinuxI386 };

export interface ShellInitramfsOptions extends ShellFilesOptions {
  /** Smaller, and the guest spends instructions on it. Default: true. */
  readonly gzip?: boolean;
}

/** An initramfs whose first process prints `ShellReady` and becomes a shell on the console. Its bytes are the same on each host. */
export function shellInitramfs(
  { busybox }: Pick<LinuxI386, 'busybox'>,
  options: ShellInitramfsOptions = {},
): Uint8Array {
  const { gzip = true } = options;
  const bytes = shellFiles(readFileSync(busybox), options);
  // Node's own zlib differs between its versions, and fflate does not.
  return gzip ? gzipSync(bytes, { mtime: 0 }) : bytes;
}
