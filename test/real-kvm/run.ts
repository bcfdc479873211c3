import { parseArgs } from 'node:util';
import { BackplaneError } from '../../sdk/base/errors.ts';
import { type FetchedPackages, fetchPackages, packagesOfCache } from './fetch.ts';
import { whyNotHere } from './here.ts';
import { measurement } from './measurement.ts';
import { Progress } from './progress.ts';
import { faults, type PlantedFault } from './random/faults.ts';
import {
  everything,
  type Machine,
  machineCode,
  randomScripts,
  recording,
  runSuite,
  vectors,
  waysOut,
} from './suite.ts';

const Help = `npm run real-kvm [-- [options] [COMMAND [arguments]]]

Runs this checkout on a real KVM: that of this host where /dev/kvm opens and can run 16-bit code; else that of a Linux in an
emulated machine (QEMU's TCG emulates AMD's SVM; Debian's kernel is fetched on first use, see 'npm run fetch').

Commands (default: all that CI runs):
  vectors             every vector on the simulated and on the real kernel, as one table
  recordings          both recordings in three modes, with the counts of both kernels
  random [--operations N] [--seed N]
                      random scripts on both kernels, compared exit by exit, and shrunk where they differ
  measure [--times N] [--runs N]
                      what coalescing saves, counted in instructions there, beside a userspace in C (needs a C compiler)
  machine-code        modes, ROM, the dirty log, ioeventfds and resets, by flat binaries
  ways-out            each way out of a guest that could hang
  backplane ...       the command of the package
  script FILE.ts ...  a script of the checkout, by its path from the top

Options, before the command:
  --emulated      the emulated machine, even where this host's KVM could be used
  --icount        there: time counts executed instructions, so that figures repeat
  --child FILE    there: another script that the machine has as a file, for a process of its own (may be repeated)
  --fault TEXT    there: plant the fault of the simulated kernel whose name begins so; what finds it ends with status 1
  --limit N       seconds after which a machine is given up (default 480, and one more for each 50 operations of 'random')
  --help          this text

Exit status 1 when anything differs, fails, or did not run.`;

const { values, positionals } = parseArgs({
  args: ownArguments(process.argv.slice(2)),
  allowPositionals: true,
  options: {
    emulated: { type: 'boolean', default: false },
    icount: { type: 'boolean', default: false },
    child: { type: 'string', multiple: true, default: [] },
    fault: { type: 'string' },
    limit: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

/** What follows the command is its own: an option there is not one of ours. */
function ownArguments(args: readonly string[]): string[] {
  let command = 0;
  while (args[command]?.startsWith('--')) command += /^--(child|limit|fault)$/.test(args[command] as string) ? 2 : 1;
  return [...args.slice(0, command), '--', ...args.slice(command)];
}

function machinesOf([name, ...args]: readonly string[]): readonly Machine[] {
  const options = { children: values.child, countInstructions: values.icount };
  const one = (file: string, rest: readonly string[]): Machine[] => [
    { ...options, checks: [{ name: file, job: { script: file, args: rest } }] },
  ];
  const [file, ...rest] = args;
  switch (name) {
    case undefined:
      return everything;
    case 'vectors':
      return [{ ...options, checks: [vectors] }];
    case 'recordings':
      return [recording('linux61-boot-rtc'), recording('seabios-pc-tcg')].map((check) => ({
        ...options,
        checks: [check],
      }));
    case 'random':
      return [{ ...options, checks: [randomScripts(args)] }];
    case 'measure':
      return [measurement(args)];
    case 'machine-code':
      return [{ ...options, checks: [machineCode] }];
    case 'ways-out':
      return [{ ...options, checks: [waysOut], children: [...values.child, 'test/real-kvm/ways-out-children.ts'] }];
    case 'backplane':
      return one('test/real-kvm/backplane.ts', args);
    case 'script':
      if (file !== undefined) return one(file, rest);
  }
  const given = [name, ...args].join(' ');
  throw new BackplaneError('no-such-command', `No command '${given}'. 'npm run real-kvm -- --help' lists them.`);
}

function plantedFault(): PlantedFault | undefined {
  const { fault } = values;
  if (fault === undefined) return undefined;
  const planted = faults.find(({ name }) => name.startsWith(fault));
  if (planted !== undefined) return planted;
  const names = faults.map(({ name }) => `  ${name}`).join('\n');
  throw new BackplaneError('no-such-fault', `No fault begins with '${fault}'. There are:\n${names}`);
}

/** Says which kernel it will be; undefined for this host's own. */
async function packagesFor(progress: Progress): Promise<FetchedPackages | undefined> {
  const why = values.emulated ? 'it was asked for' : whyNotHere();
  if (why === undefined) return undefined;
  if (process.arch !== 'x64') {
    throw new BackplaneError(
      'foreign-processor',
      `Only hosts with an x86-64 processor run it, and this one has '${process.arch}'.`,
    );
  }
  const packages = packagesOfCache() ?? (await fetchPackages((what) => progress.show(what)));
  progress.clear();
  console.error(`Linux ${packages.kernel.version} on an emulated processor, because ${why}.`);
  return packages;
}

const DefaultLimit = 480;
const OperationsOfASecond = 50;

/** In seconds. A busy machine is ten times as slow as a quiet one. */
function limit(): number {
  const [name, ...args] = positionals;
  const operations = name === 'random' ? Number(args[args.indexOf('--operations') + 1]) || 0 : 0;
  const seconds = Number(values.limit ?? DefaultLimit + operations / OperationsOfASecond);
  if (seconds > 0) return seconds;
  throw new BackplaneError('invalid-number', `--limit is '${values.limit}', which is no number of seconds.`);
}

async function main(): Promise<number> {
  const started = performance.now();
  const machines = machinesOf(positionals);
  const planted = plantedFault();
  const progress = new Progress();
  const seconds = (): number => Math.round((performance.now() - started) / 1000);
  const results: string[] = [];
  const isRight = await runSuite(machines, {
    timeout: limit() * 1000,
    packages: await packagesFor(progress),
    ...(planted === undefined ? {} : { planted }),
    onProgress: (what) => progress.show(what),
    onResult({ name, text, isRight: passed }) {
      progress.clear();
      console.log(text.trimEnd());
      results.push(`${passed ? 'ok     ' : 'FAILED '} ${name} (after ${seconds()} s)`);
    },
  });
  progress.clear();
  if (results.length > 1) console.log(`\n${results.join('\n')}`);
  return isRight ? 0 : 1;
}

if (values.help) console.log(Help);
else {
  try {
    process.exitCode = await main();
  } catch (cause) {
    if (!(cause instanceof BackplaneError)) throw cause;
    console.error(`${cause.message} [${cause.code}]`);
    process.exitCode = 1;
  }
}
