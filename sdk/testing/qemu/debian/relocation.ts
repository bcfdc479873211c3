import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { QemuProgram } from '../child.ts';
import type { UnpackedPackage } from './package-cache.ts';

const Libraries = 'usr/lib/x86_64-linux-gnu';
/** QEMU takes modules and firmware from a folder of this name beside the executed file, if there is one: its `get_relocated_path()`. */
const Bundle = 'qemu-bundle';

/** Lets a QEMU that was unpacked into a folder find what is beside it, and not what the host has installed. */
export function relocateQemu(folder: string): void {
  symlinkSync('../../..', join(folder, Libraries, Bundle));
}

/** How that QEMU is started: through its own loader, with its own libraries, since this host may have another C library. */
export function relocatedQemu(folder: string): QemuProgram {
  const libraries = join(folder, Libraries);
  const path = join(folder, 'usr/bin/qemu-system-x86_64');
  return {
    path,
    program: join(libraries, 'ld-linux-x86-64.so.2'),
    args: ['--library-path', `${libraries}:${join(libraries, 'systemd')}`, path],
    env: {},
  };
}

/** A script that starts that QEMU with its own arguments, by whatever name and from wherever it is called. */
export const qemuScript = (folder: string): string => join(folder, 'qemu-system-x86_64');

/** Writes the script, if it is not there yet. Another process may do the same. */
export function writeQemuScript(folder: string): string {
  const script = qemuScript(folder);
  if (existsSync(script)) return script;
  const { program, args } = relocatedQemu('$here');
  const words = [program, ...args].map((word) => `"${word}"`).join(' ');
  const draft = `${script}.${process.pid}`;
  writeFileSync(draft, `#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nexec ${words} "$@"\n`);
  chmodSync(draft, 0o755);
  renameSync(draft, script);
  return script;
}

const Sources = 'usr/src';

/** Lets the headers be used where they were unpacked: their Makefile includes that of the common headers by an absolute path. */
export function relocateHeaders(folder: string): void {
  const sources = join(folder, Sources);
  const own = readdirSync(sources).filter((name) => /^linux-headers-/.test(name) && !name.endsWith('-common'));
  for (const name of own) {
    const makefile = join(sources, name, 'Makefile');
    writeFileSync(makefile, readFileSync(makefile, 'utf8').replaceAll(`include /${Sources}/`, 'include ../'));
  }
}

/** What modules for one kernel of Debian are built with. */
export class KernelHeaders {
  readonly version: string;
  /** Where `make -C` is called. */
  readonly folder: string;

  constructor({ name, version, folder }: UnpackedPackage) {
    this.version = version;
    this.folder = join(folder, Sources, name);
  }

  /** The compiler that built the kernel, and has to build its modules: `gcc-12`. */
  get compiler(): string {
    const text = readFileSync(join(this.folder, '.kernelvariables'), 'utf8');
    return /\b(?:[\w-]+-)?gcc-\d+\b/.exec(text)?.[0] ?? 'gcc';
  }
}
