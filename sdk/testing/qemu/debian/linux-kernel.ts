import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { BackplaneError } from '../../../base/errors.ts';
import { runProgram } from '../host-program.ts';
import type { PackageCache, UnpackedPackage } from './package-cache.ts';

/** The kernels of Debian's releases by what they are built for: names of meta packages. */
const MetaPackages = { cloud: 'linux-image-cloud-amd64', full: 'linux-image-amd64' } as const;
const ImagePackages = {
  cloud: /^linux-image-[0-9].*-cloud-amd64$/,
  full: /^linux-image-[0-9](?!.*-(cloud|rt)-).*-amd64$/,
} as const;

/** `cloud` is smaller and lacks the drivers of most hardware. */
export type KernelFlavour = keyof typeof MetaPackages;

/** A module as the kernel takes it, decompressed. */
export interface KernelModule {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A kernel of Debian that was unpacked. */
export class LinuxKernel {
  /** The version of the package: `6.12.117-1`. */
  readonly version: string;
  /** The file to boot. */
  readonly image: string;
  readonly #modules: ReadonlyMap<string, string>;

  constructor({ name, version, folder }: UnpackedPackage) {
    this.version = version;
    this.image = join(folder, 'boot', `vmlinuz-${name.slice('linux-image-'.length)}`);
    this.#modules = moduleFiles(folder);
  }

  /** The newest that was fetched before; undefined where there is none. */
  static cached(cache: PackageCache, flavour: KernelFlavour): LinuxKernel | undefined {
    const unpacked = cache.newest(ImagePackages[flavour]);
    return unpacked === undefined ? undefined : new LinuxKernel(unpacked);
  }

  /** The newest that the archive has. */
  static async fetch(cache: PackageCache, flavour: KernelFlavour): Promise<LinuxKernel> {
    const meta = MetaPackages[flavour];
    const name = await cache.dependency(meta, ImagePackages[flavour]);
    if (name === undefined) {
      throw new BackplaneError('archive-package', `Debian: '${meta}' depends on no kernel. Is this a suite of Debian?`);
    }
    return new LinuxKernel(await cache.fetch(name));
  }

  /** The modules and what they depend on, in the order in which they can be inserted. */
  modules(names: readonly string[]): KernelModule[] {
    const ordered = new Map<string, KernelModule>();
    const add = (name: string): void => {
      if (ordered.has(name)) return;
      const bytes = this.#read(name);
      for (const needed of dependencies(bytes)) add(needed);
      ordered.set(name, { name, bytes });
    };
    for (const name of names) add(asFileName(name));
    return [...ordered.values()];
  }

  #read(name: string): Uint8Array {
    const file = this.#modules.get(name);
    if (file === undefined) {
      throw new BackplaneError(
        'kernel-module-missing',
        `Linux ${this.version} has no module '${name}' in its package. Take the other flavour of the kernel.`,
      );
    }
    return file.endsWith('.xz') ? runProgram('xz', ['-dc', file]) : readFileSync(file);
  }
}

/** Every module of the package by its name: Debian compresses them in some releases. */
function moduleFiles(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const top of ['usr/lib/modules', 'lib/modules']) {
    for (const path of listing(join(folder, top))) {
      const name = /^(.*)\.ko(\.xz)?$/.exec(basename(path))?.[1];
      if (name !== undefined) files.set(asFileName(name), join(folder, top, path));
    }
  }
  return files;
}

function listing(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return []; // releases have either of the two folders
  }
}

/** `kvm_amd` and `kvm-amd` are one module. */
const asFileName = (name: string): string => name.replaceAll('_', '-');

/** What a module says of itself: `depends=` in its section `.modinfo`. */
function dependencies(module: Uint8Array): string[] {
  const bytes = Buffer.from(module.buffer, module.byteOffset, module.byteLength);
  const start = bytes.indexOf('\0depends=');
  if (start < 0) return [];
  const from = start + '\0depends='.length;
  const names = bytes.toString('latin1', from, bytes.indexOf(0, from));
  return names
    .split(',')
    .filter((name) => name !== '')
    .map(asFileName);
}
