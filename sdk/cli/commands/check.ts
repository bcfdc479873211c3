import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { BackplaneError } from '../../base/errors.ts';
import { counted, didYouMean } from '../../base/text.ts';
import { type Command, onlyOperand } from '../command.ts';
import { parseCount } from '../options/accelerator.ts';
import { ConformanceSeconds, checkPlugin, type PluginFinding, said } from '../plugins/check.ts';
import { loadPlugin } from '../plugins/load.ts';
import type { KnownDevice, LoadedPlugin } from '../plugins/plugin.ts';

/** Failures of loading that are mistakes in the plugin. */
const ofPlugin = ['plugin-load-failed', 'plugin-without-exports', 'compilation-failed', 'invalid-machine-definition'];

/** `backplane check FILE`: whether a plugin is fit for use, in less than ten seconds. */
export const checkCommand: Command = {
  usage: 'backplane check FILE|DIRECTORY|PACKAGE [-device DEVICE] [-seconds N]',
  summary: 'look a plugin over: definitions, documentation, a short conformance, wiring',
  help: `Looks over what a plugin brings, and prints a table of what it found. It takes less than ten seconds,
unless it is given more.

  definition            each device is built on a bench
  documentation         descriptions of devices and registers, and the datasheet that @see names
  conformance           the contract of each device, in a short run; the full one is deviceConformance() in a test
  wiring                each machine is built

The status is 1 if there is an error. Warnings leave it at 0.

Options:
  -device DEVICE        this device alone, with all the time
  -seconds N            of conformance, for all devices together; ${ConformanceSeconds} if not given
  -json                 the findings as data, with the script that shows a failure

Examples:
  backplane check ./my-uart.ts
  backplane check ./my-board.ts -device my-uart -json`,
  options: { device: 'DEVICE', seconds: 'N' },
  async run({ terminal, arguments: args, json }) {
    const name = onlyOperand('check', 'plugin', args.positional, "Write 'check FILE.ts'.");
    const { nodeHost } = await import('../node.ts');
    const host = { ...nodeHost, progress: (line: string) => terminal.progress(line) };
    const seconds = parseCount(args, 'seconds', 'seconds');
    const plugin = await loaded(name);
    const findings =
      'subject' in plugin
        ? [plugin]
        : await checkPlugin(plugin, devicesOf(plugin, args.value('device')), host, seconds);
    terminal.progress('');
    const [errors, warnings] = (['error', 'warning'] as const).map(
      (status) => findings.filter((one) => one.status === status).length,
    ) as [number, number];
    const count = `${counted(errors, 'error')}, ${counted(warnings, 'warning')}`;
    if (json) terminal.print(JSON.stringify({ plugin: name, errors, warnings, findings }, null, 2));
    else terminal.print(`${table(findings)}\n${count}.`);
    if (errors > 0) throw new BackplaneError('plugin-check-failed', `plugin '${name}' has ${count}.`);
  },
};

/** The plugin, or what is wrong in its file. A file that is not there is refused. */
async function loaded(name: string): Promise<LoadedPlugin | PluginFinding> {
  try {
    return await loadPlugin(name);
  } catch (failure) {
    if (!(failure instanceof BackplaneError)) throw failure;
    if (failure.code === 'file-not-found') throw new BackplaneError(failure.code, `check: ${missing(name)}`);
    if (!ofPlugin.includes(failure.code)) throw failure;
    return { subject: name, check: 'definition', status: 'error', ...said(failure) };
  }
}

/** The file that was meant, if one beside it has nearly that name. */
function missing(name: string): string {
  const folder = dirname(name);
  const beside = existsSync(folder) ? readdirSync(folder).filter((file) => /\.[cm]?[jt]s$/.test(file)) : [];
  return `there is no file, directory or package '${name}'. ${didYouMean(basename(name), beside, 'Correct the path.')}`;
}

function devicesOf({ name, devices }: LoadedPlugin, wanted: string | undefined): readonly KnownDevice[] {
  if (wanted === undefined) return devices;
  const found = devices.filter(({ metadata }) => metadata.type === wanted);
  if (found.length > 0) return found;
  const types = devices.map(({ metadata }) => metadata.type);
  throw new BackplaneError(
    'unknown-device',
    `plugin '${name}' has no device '${wanted}'. ${didYouMean(wanted, types)}`,
  );
}

/** Subject, check and status in columns; the message goes on behind them. */
function table(findings: readonly PluginFinding[]): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  const [check, status] = ['documentation'.length, 'warning'.length];
  const indent = ' '.repeat(width + check + status + 6);
  return findings
    .map((one) => {
      const lines = (one.details === undefined ? one.message : `${one.message}\n${one.details}`).split('\n');
      const columns = [one.subject.padEnd(width), one.check.padEnd(check), one.status.padEnd(status)];
      return `${columns.join('  ')}  ${lines.join(`\n${indent}`)}`;
    })
    .join('\n');
}
