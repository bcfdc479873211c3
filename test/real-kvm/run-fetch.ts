import { BackplaneError } from '../../sdk/base/errors.ts';
import { fetchPackages } from './fetch.ts';
import { Progress } from './progress.ts';

const Help = `npm run fetch -- kernel

Fetches Debian's newest Linux for 'npm run real-kvm', through apt with a configuration of its own, and keeps it in
$XDG_CACHE_HOME/backplane (default: ~/.cache/backplane). Nothing is installed. The archive is the one of this host's packages, or
BACKPLANE_DEBIAN_MIRROR.`;

const [what] = process.argv.slice(2);
if (what === 'kernel') {
  const progress = new Progress();
  try {
    const { kernel, busybox } = await fetchPackages((step) => progress.show(step));
    progress.clear();
    console.log(`Linux ${kernel.version} and busybox ${busybox.version} are in the cache.`);
  } catch (cause) {
    progress.clear();
    if (!(cause instanceof BackplaneError)) throw cause;
    console.error(`${cause.message} [${cause.code}]`);
    process.exitCode = 1;
  }
} else {
  console.log(Help);
  process.exitCode = what === '--help' ? 0 : 1;
}
