import { GuestPackages } from '../../sdk/testing/qemu/debian/guest-packages.ts';
import type { LinuxKernel } from '../../sdk/testing/qemu/debian/linux-kernel.ts';
import type { UnpackedPackage } from '../../sdk/testing/qemu/debian/package-cache.ts';

export interface FetchedPackages {
  readonly kernel: LinuxKernel;
  readonly busybox: UnpackedPackage;
}

/** What was fetched before; undefined unless all of it is there. */
export function packagesOfCache(): FetchedPackages | undefined {
  const pieces = new GuestPackages();
  const [kernel, busybox] = [pieces.kernel('cloud'), pieces.busybox];
  return kernel === undefined || busybox === undefined ? undefined : { kernel, busybox };
}

/** The newest of the archive. What is in the cache already is not downloaded again. */
export async function fetchPackages(onProgress: (what: string) => void): Promise<FetchedPackages> {
  const pieces = new GuestPackages({ onProgress });
  return { kernel: await pieces.fetchKernel('cloud'), busybox: await pieces.fetchBusybox() };
}
