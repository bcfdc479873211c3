import { existsSync, readFileSync } from 'node:fs';
import type { QemuProgram } from '../child.ts';
import { LinuxI386 } from './linux-i386.ts';
import { type KernelFlavour, LinuxKernel } from './linux-kernel.ts';
import { PackageCache, type PackageCacheOptions, type UnpackedPackage } from './package-cache.ts';
import {
  KernelHeaders,
  qemuScript,
  relocatedQemu,
  relocateHeaders,
  relocateQemu,
  writeQemuScript,
} from './relocation.ts';

/** The release whose packages run anywhere. Only its name is ours, never a version. */
const Release = 'trixie';

export type GuestPackagesOptions = Pick<PackageCacheOptions, 'environment' | 'onProgress'>;

/** What virtual machines are made of: packages of Debian in the cache of this user. Nothing is installed. */
export class GuestPackages {
  readonly #release: PackageCache;
  readonly #backports: PackageCache;
  readonly #host: PackageCache;
  readonly #i386: PackageCache;

  constructor(common: GuestPackagesOptions = {}) {
    this.#release = new PackageCache({ suite: Release, ...common });
    this.#backports = new PackageCache({ suite: `${Release}-backports`, others: [Release], ...common });
    this.#host = new PackageCache({ suite: hostRelease() ?? Release, ...common });
    this.#i386 = new PackageCache({ ...LinuxI386.archive, ...common });
  }

  /** What was fetched before; undefined where there is none. */
  get qemu(): QemuProgram | undefined {
    const folder = this.#qemuFolder;
    return folder === undefined ? undefined : relocatedQemu(folder);
  }

  /** The script that starts it by hand. */
  get qemuScript(): string | undefined {
    const folder = this.#qemuFolder;
    return folder !== undefined && existsSync(qemuScript(folder)) ? qemuScript(folder) : undefined;
  }

  get busybox(): UnpackedPackage | undefined {
    return this.#release.newest(/^busybox-static$/);
  }

  kernel(flavour: KernelFlavour): LinuxKernel | undefined {
    return LinuxKernel.cached(this.#cacheOf(flavour), flavour);
  }

  /** What modules for the full kernel are built with; undefined where it was not fetched, or is of another version. */
  get headers(): KernelHeaders | undefined {
    const kernel = this.kernel('full');
    const unpacked = kernel === undefined ? undefined : this.#host.newest(exactly(headersOf(kernel)));
    return unpacked === undefined || unpacked.version !== kernel?.version ? undefined : new KernelHeaders(unpacked);
  }

  /** A Linux of 32 bits; undefined where it was not fetched. */
  get linuxI386(): LinuxI386 | undefined {
    return LinuxI386.cached(this.#i386);
  }

  fetchLinuxI386(): Promise<LinuxI386> {
    return LinuxI386.fetch(this.#i386);
  }

  /** QEMU with everything that it depends on, to the C library, and a script that starts it. */
  async fetchQemu(): Promise<UnpackedPackage & { readonly script: string }> {
    const unpacked = await this.#backports.fetchClosure('qemu-system-x86', relocateQemu);
    return { ...unpacked, script: writeQemuScript(unpacked.folder) };
  }

  fetchBusybox(): Promise<UnpackedPackage> {
    return this.#release.fetch('busybox-static');
  }

  fetchKernel(flavour: KernelFlavour): Promise<LinuxKernel> {
    return LinuxKernel.fetch(this.#cacheOf(flavour), flavour);
  }

  /** Fetches the full kernel too, since both have to be of one version. */
  async fetchHeaders(): Promise<KernelHeaders> {
    const kernel = await this.fetchKernel('full');
    const names = /^linux-(headers-.*-common|kbuild-.*)$/;
    return new KernelHeaders(await this.#host.fetchTogether(headersOf(kernel), names, relocateHeaders));
  }

  get #qemuFolder(): string | undefined {
    return this.#backports.newest(/^qemu-system-x86$/)?.folder;
  }

  /** The compiler of the host builds modules for the full kernel: it is that of the host's own release. */
  #cacheOf(flavour: KernelFlavour): PackageCache {
    return flavour === 'full' ? this.#host : this.#release;
  }
}

const headersOf = ({ release }: LinuxKernel): string => `linux-headers-${release}`;
const exactly = (name: string): RegExp => new RegExp(`^${name.replaceAll(/[.+]/g, '\\$&')}$`);

/** The release of Debian that this host is: `bookworm`; undefined where it is none. @see os-release(5) */
export function hostRelease(file = '/etc/os-release'): string | undefined {
  const text = readIfThere(file);
  const value = (key: string): string | undefined => new RegExp(`^${key}="?([a-z0-9._-]+)"?$`, 'm').exec(text)?.[1];
  return value('ID') === 'debian' ? value('VERSION_CODENAME') : undefined;
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
