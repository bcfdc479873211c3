import { join } from 'node:path';
import type { PackageCache, PackageCacheOptions, UnpackedPackage } from './package-cache.ts';

/** The last release of Debian whose installer is a Linux of 32 bits, and for processors without PAE. */
const Suite = 'bookworm';
const InstallerPackage = 'debian-installer-12-netboot-i386';
const BusyboxPackage = 'busybox-static';
/** The two files of the installer that a machine boots, below the folder of the package. */
const ImageFolder = 'usr/lib/debian-installer/images/12/i386/text/debian-installer/i386';

/** A Linux of 32 bits and a busybox for it, out of packages of Debian for architecture i386. Nothing is installed. */
export class LinuxI386 {
  /** What a cache of such packages is made with. */
  static readonly archive = { suite: Suite, architecture: 'i386' } as const satisfies PackageCacheOptions;

  /** The version of the installer's package. */
  readonly version: string;
  readonly busyboxVersion: string;
  /** The path of the kernel's file, a bzImage. */
  readonly kernel: string;
  /** The path of the installer's own initramfs. */
  readonly installer: string;
  /** The path of the program, which is linked statically. */
  readonly busybox: string;
  /** The path of an initramfs with a shell of that program, which `fetch` writes. */
  readonly shell: string;

  private constructor(installer: UnpackedPackage, busybox: UnpackedPackage) {
    this.version = installer.version;
    this.busyboxVersion = busybox.version;
    this.kernel = join(installer.folder, ImageFolder, 'linux');
    this.installer = join(installer.folder, ImageFolder, 'initrd.gz');
    this.busybox = join(busybox.folder, 'bin/busybox');
    this.shell = join(busybox.folder, 'shell.cpio');
  }

  /** The newest that was fetched before; undefined where one of the packages is missing. */
  static cached(cache: PackageCache): LinuxI386 | undefined {
    const installer = cache.newest(new RegExp(`^${InstallerPackage}$`));
    const busybox = cache.newest(new RegExp(`^${BusyboxPackage}$`));
    return installer === undefined || busybox === undefined ? undefined : new LinuxI386(installer, busybox);
  }

  /** The newest that the archive has. */
  static async fetch(cache: PackageCache): Promise<LinuxI386> {
    return new LinuxI386(await cache.fetch(InstallerPackage), await cache.fetch(BusyboxPackage));
  }
}
