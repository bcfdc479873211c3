import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { GuestPackages } from '../debian/guest-packages.ts';
import type { LinuxI386 } from '../debian/linux-i386.ts';
import { NewcArchive } from './newc-archive.ts';

/** What the guest prints before its shell asks for the first command. */
export const ShellReady = 'SHELL READY';

export interface ShellFilesOptions {
  /** Shell lines that run before the sentence that the shell is ready. */
  readonly before?: readonly string[] | undefined;
  /** Those that run behind it, and before the shell. */
  readonly after?: readonly string[] | undefined;
  /** More files, by path without the first slash. */
  readonly files?: Readonly<Record<string, Uint8Array | string>> | undefined;
}

/** What `linuxKernel` takes. */
export interface LinuxI386Files {
  /** The bytes of a bzImage. */
  readonly kernel: Uint8Array;
  /** An initramfs whose first process prints `SHELL READY`, and becomes a shell of busybox on the console. */
  readonly initrd: Uint8Array;
}

/** The Linux of 32 bits that `backplane fetch linux-i386` fetches, with a shell. Undefined where it is not in the cache. */
export function linuxI386(options: ShellFilesOptions = {}): LinuxI386Files | undefined {
  const fetched = new GuestPackages().linuxI386;
  if (fetched === undefined) return undefined;
  return { kernel: readFileSync(fetched.kernel), initrd: shellFiles(readFileSync(fetched.busybox), options) };
}

/** Why `linuxI386` answers undefined, in one sentence; undefined where it does not. */
export function whyNoLinuxI386(): string | undefined {
  return new GuestPackages().linuxI386 === undefined
    ? "The Linux of 32 bits is not in the cache: 'npx backplane fetch linux-i386'."
    : undefined;
}

/** That initramfs, not packed. Its bytes are the same on each host. */
export function shellFiles(
  busybox: Uint8Array,
  { before = [], after = [], files = {} }: ShellFilesOptions,
): Uint8Array {
  const archive = new NewcArchive();
  archive.character('dev/console', 5, 1);
  for (const folder of ['proc', 'sys', 'tmp', 'root', 'sbin', 'usr/bin', 'usr/sbin']) archive.folder(folder);
  archive.file('bin/busybox', busybox, 0o755);
  archive.link('bin/sh', 'busybox');
  for (const [path, content] of Object.entries(files)) archive.file(path, content, 0o755);
  archive.file('init', initScript(before, after), 0o755);
  return new Uint8Array(Buffer.concat(archive.finish()));
}

/**
 * Writes that initramfs beside its busybox. Answers the options of `backplane run` that boot it for a user. Guest time is the host's,
 * so that an idle guest sleeps.
 */
export function writeShell({ kernel, busybox, shell }: LinuxI386): readonly string[] {
  const draft = `${shell}.${process.pid}`;
  writeFileSync(draft, shellFiles(readFileSync(busybox), {}));
  renameSync(draft, shell);
  const files = ['-kernel', kernel, '-initrd', shell];
  return [...files, '-append', 'console=ttyS0 tsc=reliable cryptomgr.notests', '-clock', 'host'];
}

const initScript = (before: readonly string[], after: readonly string[]): string =>
  [
    '#!/bin/sh',
    'export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root',
    '/bin/busybox --install -s',
    'mount -t proc proc /proc',
    'mount -t sysfs sysfs /sys',
    'mount -t devtmpfs devtmpfs /dev',
    ...before,
    `echo ${ShellReady}`,
    ...after,
    'exec setsid cttyhack sh',
    '',
  ].join('\n');
