import { existsSync, readdirSync, readFileSync } from 'node:fs';
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
  /** With dashes: `kvm-amd`. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Names of the modules that have to be there before it. */
  readonly depends: readonly string[];
}

/** A kernel of Debian that was unpacked. */
export class LinuxKernel {
  /** The version of the package: `6.12.117-1`. */
  readonly version: string;
  /** What `uname -r` says: `6.12.117+deb13-cloud-amd64`. */
  readonly release: string;
  /** The file to boot. */
  readonly image: string;
  readonly #modules: ReadonlyMap<string, string>;
  readonly #builtIn: ReadonlySet<string>;

  constructor({ name, version, folder }: UnpackedPackage) {
    this.version = version;
    this.release = name.slice('linux-image-'.length);
    this.image = join(folder, 'boot', `vmlinuz-${this.release}`);
    this.#modules = moduleFiles(folder);
    this.#builtIn = builtInModules(folder);
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

  /** The modules and what they depend on, in the order in which they can be inserted. What is built into the kernel is left out. */
  modules(names: readonly string[]): KernelModule[] {
    const ordered = new Map<string, KernelModule>();
    const add = (name: string): void => {
      if (ordered.has(name) || this.#builtIn.has(name)) return;
      const module = moduleOf(name, this.#read(name));
      for (const needed of module.depends) add(needed);
      ordered.set(name, module);
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

/** The file `modules.builtin` has a line for each. @see Documentation/kbuild/kbuild.rst, "modules.builtin" */
function builtInModules(folder: string): Set<string> {
  const lists = moduleFolders.flatMap((top) =>
    listing(join(folder, top), false).map((release) => join(folder, top, release, 'modules.builtin')),
  );
  const lines = lists.filter((list) => existsSync(list)).flatMap((list) => readFileSync(list, 'utf8').split('\n'));
  return new Set(lines.map((line) => asFileName(basename(line, '.ko'))));
}

/** Every module of the package by its name: Debian compresses them in some releases. */
function moduleFiles(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const top of moduleFolders) {
    for (const path of listing(join(folder, top), true)) {
      const name = /^(.*)\.ko(\.xz)?$/.exec(basename(path))?.[1];
      if (name !== undefined) files.set(asFileName(name), join(folder, top, path));
    }
  }
  return files;
}

/** Releases have either of the two. */
const moduleFolders = ['usr/lib/modules', 'lib/modules'] as const;

function listing(folder: string, recursive: boolean): string[] {
  return existsSync(folder) ? readdirSync(folder, { recursive, encoding: 'utf8' }) : [];
}

export const moduleOf = (name: string, bytes: Uint8Array): KernelModule => ({
  name: asFileName(name),
  bytes,
  depends: dependencies(bytes),
});

/** `kvm_amd` and `kvm-amd` are one module. */
const asFileName = (name: string): string => name.replaceAll('_', '-');

/** What a module says of itself under a key, `depends`, `vermagic` or `alias`: its section `.modinfo` has a text for each. */
export function moduleInformation(module: Uint8Array, key: string): readonly string[] {
  const bytes = Buffer.from(module.buffer, module.byteOffset, module.byteLength);
  const begin = `\0${key}=`;
  const values: string[] = [];
  for (let start = bytes.indexOf(begin); start >= 0; start = bytes.indexOf(begin, start + 1)) {
    const from = start + begin.length;
    values.push(bytes.toString('latin1', from, bytes.indexOf(0, from)));
  }
  return values;
}

function dependencies(module: Uint8Array): string[] {
  const [names = ''] = moduleInformation(module, 'depends');
  return names
    .split(',')
    .filter((name) => name !== '')
    .map(asFileName);
}
