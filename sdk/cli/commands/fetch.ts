import { BackplaneError } from '../../base/errors.ts';
import { didYouMean, shellWord } from '../../base/text.ts';
import { GuestPackages } from '../../testing/qemu/debian/guest-packages.ts';
import { writeShell } from '../../testing/qemu/linux/i386-shell.ts';
import type { Command } from '../command.ts';

interface Fetched {
  readonly name: string;
  readonly version: string;
  /** What starts it. */
  readonly script?: string;
  /** The options of `backplane run` that boot it to a shell. */
  readonly boot?: readonly string[];
}

const fetchable: Readonly<Record<string, (packages: GuestPackages) => Promise<readonly Fetched[]>>> = {
  qemu: async (packages) => {
    const { version, script } = await packages.fetchQemu();
    return [{ name: 'QEMU', version, script }];
  },
  kernel: async (packages) => [named('Linux (cloud)', await packages.fetchKernel('cloud')), await busybox(packages)],
  'full-kernel': async (packages) => [
    named('Linux (full)', await packages.fetchKernel('full')),
    await busybox(packages),
  ],
  headers: async (packages) => [
    named('Linux (full) and its headers', await packages.fetchHeaders()),
    await busybox(packages),
  ],
  'linux-i386': async (packages) => {
    const linux = await packages.fetchLinuxI386();
    return [
      named('busybox (i386)', { version: linux.busyboxVersion }),
      { ...named('Linux (i386)', linux), boot: writeShell(linux) },
    ];
  },
};

const named = (name: string, { version }: { readonly version: string }): Fetched => ({ name, version });
const busybox = async (packages: GuestPackages): Promise<Fetched> => named('busybox', await packages.fetchBusybox());

export const fetchCommand: Command = {
  usage: `backplane fetch ${Object.keys(fetchable).join('|')}...`,
  summary: 'fetch a QEMU and a Linux for tests of drivers',
  help: `Fetches packages of Debian through apt with a configuration of its own, and unpacks them into $XDG_CACHE_HOME/backplane (default:
~/.cache/backplane). Nothing is installed, and root is not needed. The archive is the one of this host's packages, or
BACKPLANE_DEBIAN_MIRROR. What is there already in its newest version is not fetched again.

What there is:
  qemu                  a QEMU that plugs in devices of other processes (10.1 or later), with its libraries, and a script that starts it
  kernel                a small Linux for virtual machines (cloud), and busybox
  full-kernel           the Linux of this host's release, with all drivers, and busybox
  headers               the same, and what modules of yours are built with
  linux-i386            the Linux of 32 bits of Debian 12's installer, and busybox of that architecture, for machine code

Options:
  -json                 names and versions, the path of QEMU's script, and the options that boot linux-i386, as a JSON value

Examples:
  backplane fetch qemu kernel
  backplane fetch full-kernel`,
  options: {},
  async run({ terminal, arguments: args, json }) {
    const asked = args.positional;
    const known = Object.keys(fetchable);
    if (asked.length === 0)
      throw new BackplaneError(
        'missing-operand',
        `fetch: what? Write 'backplane fetch ${known.join(' ')}', or some of them.`,
      );
    const works = asked.map((what) => {
      const fetchIt = Object.hasOwn(fetchable, what) ? fetchable[what] : undefined;
      if (fetchIt !== undefined) return fetchIt;
      throw new BackplaneError(
        'unknown-operand',
        `fetch '${what}': there is no such thing. ${didYouMean(what, known)}`,
      );
    });
    const packages = new GuestPackages({ onProgress: (what) => terminal.progress(what) });
    const fetched: Fetched[] = [];
    for (const work of works) fetched.push(...(await work(packages)));
    terminal.progress('');
    if (json) return terminal.print(JSON.stringify(fetched, null, 2));
    for (const { name, version, script, boot } of fetched) {
      terminal.print(
        `${name} ${version} is in the cache.${script === undefined ? '' : ` Start it with: ${shellWord(script)}`}`,
      );
      if (boot !== undefined)
        terminal.print(`Boot it to a shell with:\n  backplane run ${boot.map(shellWord).join(' ')}`);
    }
  },
};
