import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describeThrown } from '../../sdk/base/errors.ts';
import { GuestPackages, hostRelease } from '../../sdk/testing/qemu/debian/guest-packages.ts';
import { PackageCache } from '../../sdk/testing/qemu/debian/package-cache.ts';

/** What is kept of the sources; the rest has a gigabyte. */
const Driver = 'drivers/rtc/rtc-ds1307.c';

/**
 * The path of Linux's driver for the DS1307, of the full kernel's version, or one sentence that says why it cannot be had. No kernel
 * of Debian has it as a module. The package with all sources is fetched once.
 */
export async function ds1307Source(): Promise<{ readonly path: string } | string> {
  const [suite, kernel] = [hostRelease(), new GuestPackages().kernel('full')];
  if (suite === undefined || kernel === undefined)
    return "The full kernel is not in the cache: 'npx backplane fetch headers'.";
  const [series] = /^\d+\.\d+/.exec(kernel.version) as RegExpExecArray;
  const name = `linux-source-${series}`;
  const cache = new PackageCache({ suite });
  try {
    const cached = cache.newest(new RegExp(`^${name.replaceAll('.', '\\.')}$`));
    const { folder } = cached ?? (await cache.fetchTogether(name, /^$/, (content) => keepDriver(content, name)));
    return { path: join(folder, name, Driver) };
  } catch (cause) {
    return `Debian's package '${name}' with the driver's source cannot be had: ${describeThrown(cause)}`;
  }
}

/** Takes the driver out of the archive in the package, without unpacking that. */
function keepDriver(content: string, name: string): void {
  const archive = join(content, 'usr/src', `${name}.tar.xz`);
  execFileSync('tar', ['-xJf', archive, '-C', content, '--occurrence=1', `${name}/${Driver}`]);
  rmSync(join(content, 'usr'), { recursive: true });
}
