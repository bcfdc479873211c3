import { readFileSync } from 'node:fs';
import { BackplaneError } from '../base/errors.ts';
import { didYouMean } from '../base/text.ts';
import { type Command, commonOptions, parseArguments, plainWords, Unfinished } from './command.ts';
import { packageRoot } from './files.ts';
import { failureReport, runInProcess } from './process.ts';
import { hostTerminal, reportFailure, safeTerminal, type Terminal } from './terminal.ts';

/** Commands are loaded on demand, to keep the start fast. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  replay: async () => (await import('./commands/replay.ts')).replayCommand,
  diff: async () => (await import('./commands/diff.ts')).diffCommand,
  run: async () => (await import('./commands/run.ts')).runCommand,
  advise: async () => (await import('./commands/advise.ts')).adviseCommand,
  serve: async () => (await import('./commands/serve.ts')).serveCommand,
  measure: async () => (await import('./commands/measure.ts')).measureCommand,
  info: async () => (await import('./commands/info.ts')).infoCommand,
  doc: async () => (await import('./commands/doc.ts')).docCommand,
  check: async () => (await import('./commands/check.ts')).checkCommand,
  new: async () => (await import('./commands/new.ts')).newCommand,
  fetch: async () => (await import('./commands/fetch.ts')).fetchCommand,
  migrate: async () => (await import('./commands/migrate.ts')).migrateCommand,
};

/** Options that replace a command: `backplane -device help`. */
const lists = ['machine', 'M', 'device', 'accel', 'plugin', 'chardev', 'drive', 'blockdev'].flatMap((name) =>
  name === 'M' ? ['-M'] : [`-${name}`, `--${name}`],
);

const overview = `Usage: backplane COMMAND [OPTIONS]

Device models in TypeScript, plugged into virtual machines.

Commands:
  replay TRACE          put a recorded boot through a machine and count its exits
  advise TRACE          say what coalescing more ports and pages would save
  diff A B              show where two recordings part
  run FILE.ts           run a guest program
  serve -device DEVICE  plug a device into a stock QEMU
  measure coalescing    count in a running guest what coalescing saves
  info TOPIC            look into a machine: mtree, qtree, registers, coalesced
  doc -device DEVICE    print the register reference of a device in Markdown
  check FILE            look a plugin over: definitions, documentation, a short conformance, wiring
  new device|machine    write a small project with its tests: backplane new device my-uart
  fetch qemu|kernel...  fetch a QEMU and a Linux for tests of drivers, into a cache
  migrate FILE...       bring sources that were written for 0.1.0 up to this version

Lists:
  -machine help         the machines        (-machine pc,help: the options of one)
  -device help          the devices         (-device mc146818rtc,help: the options of one)
  -accel help           the accelerators and their options
  -chardev help         what connects devices with the world outside; -blockdev help
  -plugin FILE.ts       what a plugin brings: devices, machines, observers

Everywhere:
  -help, -version, -json (results and failures as JSON), -verbose (codes and stacks of failures). Two dashes work too.

Status: 0 when all went well, 1 when something was refused or failed, 2 when a guest did not finish.

Examples:
  backplane replay linux61-boot-rtc -compare
  backplane info coalesced -machine pc,reset-control=overlay
  backplane run examples/read-clock.ts -machine isapc -trace`;

/** Runs the command line of this process. */
export function runProcess(words: readonly string[]): Promise<void> {
  const terminal = safeTerminal(hostTerminal());
  return runInProcess(() => runCommandLine(words, terminal), terminal, words);
}

/**
 * Runs one command line and returns the exit status of the process. `onFailure` is called with the error of the
 * message.
 */
export async function runCommandLine(
  words: readonly string[],
  terminal: Terminal,
  onFailure: (failure: unknown) => void = () => {},
): Promise<number> {
  const safe = safeTerminal(terminal);
  try {
    return await dispatch(plainWords(words), safe);
  } catch (thrown) {
    const failure = thrown instanceof CommandFailure ? thrown.cause : thrown;
    onFailure(failure);
    reportFailure(safe, failure, failureReport(words));
    if (thrown instanceof CommandFailure) return thrown.status;
    return failure instanceof Unfinished ? 2 : 1;
  }
}

/** Options that may precede the command. */
const leading = /^--?(verbose|json)$/;

/** The failure of a command that has an exit status of its own for it. */
class CommandFailure extends Error {
  constructor(
    override readonly cause: unknown,
    readonly status: number,
  ) {
    super();
  }
}

/** Answers the exit status. */
async function dispatch(given: readonly string[], terminal: Terminal): Promise<number> {
  const start = given.findIndex((word) => !leading.test(word));
  const words = [...given.slice(Math.max(start, 0)), ...given.slice(0, Math.max(start, 0))];
  const [first, ...rest] = words;
  if (first === undefined) throw new BackplaneError('missing-operand', `no command.\n${overview}`);
  if (/^--?version$/.test(first)) return said(`backplane ${version()}`);
  if (/^(--?help|-h|help)$/.test(first)) return said(overview);
  const list = lists.includes(first.replace(/=.*/s, ''));
  const load = list ? async () => (await import('./commands/list.ts')).listCommand : commandNamed(first);
  const command = await load();
  try {
    const args = parseArguments(list ? words : rest, { ...command.options, ...commonOptions });
    if (args.has('help') || args.has('h')) return said(`Usage: ${command.usage}\n\n${command.help}`);
    return (await command.run({ terminal, arguments: args, json: args.has('json') })) ?? 0;
  } catch (failure) {
    throw command.failureStatus === undefined ? failure : new CommandFailure(failure, command.failureStatus);
  }

  function said(text: string): number {
    terminal.print(text);
    return 0;
  }
}

function commandNamed(name: string): () => Promise<Command> {
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load) return load;
  const kind = name.startsWith('-') ? 'option' : 'command';
  const known = kind === 'option' ? [...lists, '-version', '-help', '--version', '--help'] : Object.keys(commands);
  const code = kind === 'option' ? 'unknown-argument' : 'unknown-command';
  throw new BackplaneError(
    code,
    `unknown ${kind} '${name}'. ${didYouMean(name, known, "'backplane -help' lists them.")}`,
  );
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8')) as { version: string }).version;
}
