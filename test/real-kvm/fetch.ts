import { LinuxKernel } from '../../sdk/testing/qemu/debian/linux-kernel.ts';
import { PackageCache, type UnpackedPackage } from '../../sdk/testing/qemu/debian/package-cache.ts';

/** Only the suite is ours, never a version. */
const Suite = 'trixie';

export interface FetchedPackages {
  readonly kernel: LinuxKernel;
  readonly busybox: UnpackedPackage;
}

/** What was fetched before; undefined unless all of it is there. */
export function packagesOfCache(): FetchedPackages | undefined {
  const cache = new PackageCache({ suite: Suite });
  const kernel = LinuxKernel.cached(cache, 'cloud');
  const busybox = cache.newest(/^busybox-static$/);
  return kernel === undefined || busybox === undefined ? undefined : { kernel, busybox };
}

/** The newest of the archive. What is in the cache already is not downloaded again. */
export async function fetchPackages(onProgress: (what: string) => void): Promise<FetchedPackages> {
  const cache = new PackageCache({ suite: Suite, onProgress });
  const kernel = await LinuxKernel.fetch(cache, 'cloud');
  return { kernel, busybox: await cache.fetch('busybox-static') };
}
