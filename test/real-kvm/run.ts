import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { whyNoSeaBios } from '../machines/boots.ts';
import { whyNoX86 } from '../needs.ts';
import { Root } from './bundle.ts';
import { type FetchedPackages, fetchPackages, packagesOfCache } from './fetch.ts';
import { seaBiosOfMachine } from './firmware/judge.ts';
import { whyNotHere } from './here.ts';
import { Checkout } from './machine.ts';
import { measurement } from './measurement.ts';
import { Progress } from './progress.ts';
import { faults, type PlantedFault } from './random/faults.ts';
import { Refusal, sentenceOf } from './refusal.ts';
import {
  commandLine,
  everything,
  firmware,
  type Machine,
  machineCode,
  randomScripts,
  recording,
  runSuite,
  runsHere,
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
  command-line        the command: flat binaries in each mode, and a recording
  firmware            SeaBIOS on both kernels: their accesses, but for what depends on time (needs the package seabios)
  ways-out            each way out of a guest that could hang
  backplane ...       the command of the package
  script FILE.ts ...  a script of the checkout, by its path from the top

Options, before the command:
  --emulated      the emulated machine, even where this host's KVM could be used
  --icount        the emulated machine, where time counts executed instructions, so that figures repeat
  --file FILE     a file that COMMAND names: there, the machine has it by the same name (may be repeated)
  --child FILE    there: another script that the machine has as a file, for a process of its own (may be repeated)
  --fault TEXT    there: plant the fault of the simulated kernel whose name begins so; what finds it ends with status 1
  --limit N       seconds after which a machine is given up (default 840, and one more for each 50 operations of 'random')
  --help          this text

Exit status 1 when anything differs, fails, or did not run.`;

const { values, positionals } = parseArgs({
  args: ownArguments(process.argv.slice(2)),
  allowPositionals: true,
  options: {
    emulated: { type: 'boolean', default: false },
    icount: { type: 'boolean', default: false },
    file: { type: 'string', multiple: true, default: [] },
    child: { type: 'string', multiple: true, default: [] },
    fault: { type: 'string' },
    limit: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

/** What follows the command is its own: an option there is not one of ours. */
function ownArguments(args: readonly string[]): string[] {
  let command = 0;
  while (args[command]?.startsWith('--'))
    command += /^--(file|child|limit|fault)$/.test(args[command] as string) ? 2 : 1;
  return [...args.slice(0, command), '--', ...args.slice(command)];
}

/** Files of the host by the path where the machine finds them. Its jobs run at the top of the checkout, as the command does here. */
function namedFiles(): Record<string, string> {
  const entries = values.file.map((file) => {
    const source = resolve(Root, file);
    if (statSync(source, { throwIfNoEntry: false })?.isFile() === true)
      return [resolve('/', Checkout, file).slice(1), source];
    throw new Refusal(
      `--file '${file}': there is no such file. Write its path from the top of the checkout, or a whole one.`,
    );
  });
  return Object.fromEntries(entries);
}

function machinesOf([name, ...args]: readonly string[]): readonly Machine[] {
  const options = { children: values.child, files: namedFiles(), countInstructions: values.icount };
  const one = (file: string, rest: readonly string[]): Machine[] => [
    { ...options, checks: [{ name: file, job: { script: file, args: rest } }] },
  ];
  const [file, ...rest] = args;
  switch (name) {
    case undefined:
      return [...everything, ...firmwareMachines(), measurement([])];
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
    case 'command-line':
      return [{ ...options, checks: [commandLine] }];
    case 'firmware':
      if (whyNoFirmware() !== undefined) throw new Refusal(whyNoFirmware()!);
      return firmwareMachines().map((machine) => ({
        ...options,
        ...machine,
        files: { ...options.files, ...machine.files },
      }));
    case 'ways-out':
      return [{ ...options, checks: [waysOut], children: [...values.child, 'test/real-kvm/ways-out-children.ts'] }];
    case 'backplane':
      return one('test/real-kvm/backplane.ts', args);
    case 'script':
      if (file !== undefined) return one(file, rest);
  }
  const given = [name, ...args].join(' ');
  throw new Refusal(`No command '${given}'. 'npm run real-kvm -- --help' lists them.`);
}

const whyNoFirmware = (): string | undefined => whyNoX86() ?? whyNoSeaBios();

/** None where there is nothing to compare: the reason is printed. */
function firmwareMachines(): readonly Machine[] {
  const missing = whyNoFirmware();
  if (missing === undefined) return [{ checks: [firmware], files: seaBiosOfMachine() }];
  console.error(`Left out: firmware. ${missing}`);
  return [];
}

function plantedFault(): PlantedFault | undefined {
  const { fault } = values;
  if (fault === undefined) return undefined;
  const planted = faults.find(({ name }) => name.startsWith(fault));
  if (planted !== undefined) return planted;
  const names = faults.map(({ name }) => `  ${name}`).join('\n');
  throw new Refusal(`No fault begins with '${fault}'. There are:\n${names}`);
}

/** What emulated machines are made of. Says which kernel it will be. */
async function packagesFor(progress: Progress, why: string): Promise<FetchedPackages> {
  if (process.arch !== 'x64') {
    throw new Refusal(`Only hosts with an x86-64 processor run it, and this one has '${process.arch}'.`);
  }
  const packages = packagesOfCache() ?? (await fetchPackages((what) => progress.show(what)));
  progress.clear();
  console.error(`Linux ${packages.kernel.version} on an emulated processor, because ${why}.`);
  return packages;
}

const DefaultLimit = 840;
const OperationsOfASecond = 50;

/** In seconds. A busy machine is ten times as slow as a quiet one. */
function limit(): number {
  const [name, ...args] = positionals;
  const operations = name === 'random' ? Number(args[args.indexOf('--operations') + 1]) || 0 : 0;
  const seconds = Number(values.limit ?? DefaultLimit + operations / OperationsOfASecond);
  if (seconds > 0) return seconds;
  throw new Refusal(`--limit is '${values.limit}', which is no number of seconds.`);
}

async function main(): Promise<number> {
  const started = performance.now();
  const machines = machinesOf(positionals);
  const planted = plantedFault();
  const whyEmulated = values.emulated ? 'it was asked for' : whyNotHere();
  const isHere = whyEmulated === undefined;
  const isEmulated = !machines.every((machine) => runsHere(machine, isHere));
  const progress = new Progress();
  const seconds = (): number => Math.round((performance.now() - started) / 1000);
  const results: string[] = [];
  const isRight = await runSuite(machines, {
    timeout: limit() * 1000,
    isHere,
    packages: isEmulated ? await packagesFor(progress, whyEmulated ?? 'instructions are counted there') : undefined,
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
    console.error(sentenceOf(cause));
    process.exitCode = 1;
  }
}
