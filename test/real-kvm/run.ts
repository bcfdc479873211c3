import { parseArgs } from 'node:util';
import { BackplaneError } from '../../sdk/base/errors.ts';
import { fetchPackages, packagesOfCache } from './fetch.ts';
import { runHere, whyNotHere } from './here.ts';
import { EmulatedMachine } from './machine.ts';
import { Progress } from './progress.ts';

const Help = `npm run real-kvm -- [options] COMMAND [arguments]

Runs a command of this checkout on a real KVM: that of this host where /dev/kvm opens and can run 16-bit code; else that of a Linux
in an emulated machine (QEMU's TCG emulates AMD's SVM; Debian's kernel is fetched on first use, see 'npm run fetch').

Commands:
  backplane ...       the command of the package
  script FILE.ts ...  a script of the checkout, by its path from the top

Options, before the command:
  --emulated      the emulated machine, even where this host's KVM could be used
  --icount        there: time counts executed instructions, so that figures repeat
  --child FILE    there: another script that the machine has as a file, for a process of its own (may be repeated)
  --limit N       seconds after which it is given up (default 300)
  --help          this text

The exit status is the command's; 1 when the machine did not get that far.`;

const { values, positionals } = parseArgs({
  args: ownArguments(process.argv.slice(2)),
  allowPositionals: true,
  options: {
    emulated: { type: 'boolean', default: false },
    icount: { type: 'boolean', default: false },
    child: { type: 'string', multiple: true, default: [] },
    limit: { type: 'string', default: '300' },
    help: { type: 'boolean', default: false },
  },
});

/** What follows the command is its own: an option there is not one of ours. */
function ownArguments(args: readonly string[]): string[] {
  const takesValue = (one: string): boolean => one === '--child' || one === '--limit';
  let command = 0;
  while (args[command]?.startsWith('--')) command += takesValue(args[command] as string) ? 2 : 1;
  return [...args.slice(0, command), '--', ...args.slice(command)];
}

interface Command {
  readonly script: string;
  readonly args: readonly string[];
}

function commandOf([name, ...args]: readonly string[]): Command {
  if (name === 'backplane') return { script: 'test/real-kvm/backplane.ts', args };
  const [script, ...rest] = args;
  if (name === 'script' && script !== undefined) return { script, args: rest };
  throw new BackplaneError(
    'no-such-command',
    `No command '${[name, ...args].join(' ')}'. 'npm run real-kvm -- --help' lists them.`,
  );
}

async function main(): Promise<number> {
  const { script, args } = commandOf(positionals);
  const timeout = Number(values.limit) * 1000;
  const why = values.emulated ? 'it was asked for' : whyNotHere();
  if (why === undefined) return (await runHere(script, args, timeout)) ?? 1;
  if (process.arch !== 'x64') {
    throw new BackplaneError(
      'foreign-processor',
      `Only hosts with an x86-64 processor run it, and this one has '${process.arch}'.`,
    );
  }
  const progress = new Progress();
  const packages = packagesOfCache() ?? (await fetchPackages((what) => progress.show(what)));
  progress.clear();
  console.error(`Linux ${packages.kernel.version} on an emulated processor, because ${why}.`);
  const status = await new EmulatedMachine(packages).run({
    script,
    args,
    children: values.child,
    countInstructions: values.icount,
    timeout,
    onOutput(document) {
      progress.clear();
      if ('stdout' in document) process.stdout.write(document.stdout);
      else if ('stderr' in document) process.stderr.write(document.stderr);
      else if ('started' in document) progress.show('Linux runs');
    },
    onProgress: (what) => progress.show(what),
  });
  if (status !== undefined) return status;
  throw new BackplaneError(
    'guest-without-status',
    'Linux powered off before it reported a status. Look at what it printed.',
  );
}

if (values.help || positionals.length === 0) {
  console.log(Help);
  process.exitCode = values.help ? 0 : 1;
} else {
  try {
    process.exitCode = await main();
  } catch (cause) {
    if (!(cause instanceof BackplaneError)) throw cause;
    console.error(`${cause.message} [${cause.code}]`);
    process.exitCode = 1;
  }
}
